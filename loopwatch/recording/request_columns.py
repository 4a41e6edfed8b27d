"""What is stored of the request a stall belongs to, and of those that waited for it."""

from collections import Counter
from http import HTTPMethod

from loopwatch.detection.calls import BlockingCall, Request
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


def delayed_routes(call: BlockingCall, number: int) -> Counter[tuple[str, str]]:
    """Of ``number`` requests that waited for the call, how many were on which method and route.

    The call describes the first of them only; each stands for as many as any other.
    """
    known = Counter((method(request), route(request)) for request in call.delayed)
    if not known:
        return Counter({("", ""): number} if number else {})
    shares = Counter({each: number * count // known.total() for each, count in known.items()})
    for each, _ in known.most_common(number - shares.total()):
        shares[each] += 1
    return +shares
