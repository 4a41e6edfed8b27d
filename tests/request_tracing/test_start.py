"""Looking for the header of a trace takes nothing from the site."""

from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight
from loopwatch.request_tracing.start import carries_header, start_trace

HEADERS = [(b"x-loopwatch-trace", b"token"), (b"cookie", b"session")]


def test_a_header_in_a_list_is_found():
    assert carries_header({"type": "http", "headers": HEADERS})


def test_headers_that_can_be_read_only_once_are_left_to_the_site():
    headers = iter(HEADERS)
    scope = {"type": "http", "headers": headers}
    assert not carries_header(scope)
    assert start_trace(scope, RequestInFlight(InFlight(), print), ()) is None
    assert list(headers) == HEADERS
