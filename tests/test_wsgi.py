"""What LoopWatchWSGI leaves behind on the thread of a request."""

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory

from loopwatch import site_monitor
from loopwatch.asgi import LoopWatch
from loopwatch.detection.timing.in_flight import current_request
from loopwatch.wsgi import LoopWatchWSGI

REQUEST = RequestFactory().get("/").environ


@pytest.fixture(autouse=True)
def switched_off(settings):
    """No loop is watched, because nothing would stop that after the test."""
    settings.LOOPWATCH = {"ENABLED": False}


@pytest.mark.parametrize("error", [None, ValueError("no")])
def test_a_request_is_the_threads_until_the_application_has_answered(error):
    noted = []

    def application(environ, start_response):
        noted.append(current_request.get())
        if error is not None:
            raise error
        return [b"answer"]

    site = LoopWatchWSGI(application)
    if error is None:
        assert site(REQUEST, None) == [b"answer"]
    else:
        with pytest.raises(ValueError, match="no"):
            site(REQUEST, None)
    assert noted[0].finished_at < float("inf")
    assert current_request.get() is None
    assert site_monitor.stats().loops == 0


def test_who_wraps_a_wsgi_application_for_asgi_is_told_of_it():
    with pytest.raises(TypeError, match="LoopWatchWSGI"):
        LoopWatch(WSGIHandler())
