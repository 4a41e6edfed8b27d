"""Determines what is stored of a stall's request and of the requests that it delayed."""

from collections import Counter
from collections.abc import Sequence

from loopwatch.detection.calls import Request
from loopwatch.recorder.column_values import text
from loopwatch.request_route import known_method

WITHOUT_METHODS = {"websocket": "WebSocket", "channel": "Channel"}
"""What stands in the place of the method of a kind of requests."""


def method(request: Request | None) -> str:
    """Return the request's method, or its kind if that has none. ``REDACT`` may have changed the method."""
    if request is None:
        return ""
    return WITHOUT_METHODS.get(request.kind) or known_method(request.method)


def route(request: Request | None) -> str:
    """Return the pattern that matched, cut to the length of its column."""
    return text(request.route, 300) if request else ""


def by_route(described: Sequence[Request], number: int) -> Counter[tuple[str, str]]:
    """Distribute a ``number`` of requests over methods and routes.

    Only some of these requests are described, so each of them counts for an equal share of the number.
    """
    known = Counter((method(request), route(request)) for request in described)
    if not known:
        return Counter({("", ""): number} if number else {})
    shares = Counter({each: number * count // known.total() for each, count in known.items()})
    for each, _ in known.most_common(number - shares.total()):
        shares[each] += 1
    return +shares
