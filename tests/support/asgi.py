"""Requests to an ASGI application in this process, without a server."""

from dataclasses import dataclass

from asgiref.testing import ApplicationCommunicator

WITHIN_S = 30


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: list[tuple[str, str]]


async def get(application, path, *, method="GET", headers=()):
    """Make a request that the application answers in a task, and wait until that has ended."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": b"token=secret",
        "headers": [(b"host", b"testserver"), (b"cookie", b"session=secret"), *headers],
    }
    communicator = ApplicationCommunicator(application, scope)
    await communicator.send_input({"type": "http.request", "body": b""})
    start = await communicator.receive_output(WITHIN_S)
    await communicator.wait(WITHIN_S)
    return Response(start["status"], [(name.lower().decode(), value.decode()) for name, value in start["headers"]])
