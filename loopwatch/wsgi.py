"""``LoopWatchWSGI`` wraps a WSGI application, and watches the loops that ``async_to_sync`` makes for async views."""

import os
from collections.abc import Iterable
from functools import partial
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from loopwatch import site_monitor
from loopwatch.detection.timing.in_flight import ProgramInFlight, ThreadRequest, current_request
from loopwatch.open_programs import OpenProgram
from loopwatch.request_route import describe_request

NAME = "WSGI"
"""What steps belong to that no request made, instead of a route."""
_NO_THREAD = 0


class LoopWatchWSGI:
    """Wraps a WSGI application: ``application = LoopWatchWSGI(get_wsgi_application())``.

    Every loop of the process is watched from the first request on, until the process ends. Under WSGI a loop serves one
    request, so its stalls delay no other. What a streamed response does later is recorded as ``WSGI``.
    """

    is_loopwatch_wsgi = True
    """Marks the wrapper for ``loopwatch.checks``, which must not import what watches."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application
        self._process_id: int | None = None
        """The process whose loops are watched: servers fork after they have imported the application."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._process_id != os.getpid() and site_monitor.enter(OpenProgram(ProgramInFlight(NAME), _NO_THREAD, None)):
            self._process_id = os.getpid()
        method, path = environ.get("REQUEST_METHOD", ""), _path(environ)
        request = ThreadRequest(partial(describe_request, self.application, "http", method, path, None))
        token = current_request.set(request)
        try:
            return self.application(environ, start_response)
        finally:
            request.finish()
            current_request.reset(token)


def _path(environ: WSGIEnvironment) -> str:
    """Return the path below the script, which WSGI servers decode as Latin-1 (PEP 3333)."""
    return str(environ.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace")
