"""Determines what is stored of a stall's request and of the requests that it delayed."""

from collections import Counter
from http import HTTPMethod

from loopwatch.detection.calls import BlockingCall, Request
from loopwatch.recording.column_values import text

WEBSOCKET = "WebSocket"
OTHER = "OTHER"
_METHODS = frozenset(HTTPMethod)


def method(request: Request | None) -> str:
    """Return the request's method, or ``WebSocket``.

    Methods that HTTP does not define become ``OTHER``, because a client may invent any number of them and each would
    make a row.
    """
    if request is None:
        return ""
    if request.kind == "websocket":
        return WEBSOCKET
    return request.method if not request.method or request.method in _METHODS else OTHER


def route(request: Request | None) -> str:
    """Return the pattern that matched, cut to the length of its column."""
    return text(request.route, 300) if request else ""


def delayed_routes(call: BlockingCall, number: int) -> Counter[tuple[str, str]]:
    """Distribute the ``number`` of delayed requests over methods and routes.

    The call describes only some of these requests, so each of them counts for an equal share of the number.
    """
    known = Counter((method(request), route(request)) for request in call.delayed)
    if not known:
        return Counter({("", ""): number} if number else {})
    shares = Counter({each: number * count // known.total() for each, count in known.items()})
    for each, _ in known.most_common(number - shares.total()):
        shares[each] += 1
    return +shares
