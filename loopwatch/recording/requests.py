"""What is stored of the request a stall belongs to."""

from http import HTTPMethod

from loopwatch.detection.calls import Request
from loopwatch.recording.column_values import text

WEBSOCKET = "WebSocket"
OTHER = "OTHER"
_METHODS = frozenset(HTTPMethod)


def method(request: Request | None) -> str:
    """The request's method, or ``WebSocket``.

    A client may send any word as its method, and each would make a row of its own: those HTTP does not define are one.
    """
    if request is None:
        return ""
    if request.kind == "websocket":
        return WEBSOCKET
    return request.method if not request.method or request.method in _METHODS else OTHER


def route(request: Request | None) -> str:
    """The pattern that matched, as long as its column."""
    return text(request.route, 300) if request else ""
