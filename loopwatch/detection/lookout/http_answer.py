"""The answer to an HTTP probe: pure functions from bytes to bytes.

The lookout's subinterpreter runs this module, too, so it imports little, and the standard library only.
"""

import json
from datetime import datetime
from typing import NamedTuple

MOST_BYTES = 2048
"""A longer request is refused. Probes send a line and a few headers."""
END = b"\r\n\r\n"


class ProbeFigures(NamedTuple):
    """All that an answer discloses. ``Liveness`` has the same."""

    serving: bool
    blocked_since: datetime | None
    worst_pause_ms: float
    loops: int


def is_complete(request: bytes) -> bool:
    """Return whether a request can be answered: its headers have ended, or are too long."""
    return END in request or len(request) >= MOST_BYTES


def answer(request: bytes, figures: ProbeFigures) -> bytes:
    """Return the response to a complete request: 200 while the loops serve, 503 while one is blocked.

    Any path is answered alike.
    """
    if END not in request:
        return _response("431 Request Header Fields Too Large")
    method, *rest = request.partition(b"\r\n")[0].split(b" ")
    if len(rest) != 2 or not rest[1].startswith(b"HTTP/1."):
        return _response("400 Bad Request")
    if method not in (b"GET", b"HEAD"):
        return _response("405 Method Not Allowed", "Allow: GET, HEAD\r\n")
    status = "200 OK" if figures.serving else "503 Service Unavailable"
    return _response(status, "Content-Type: application/json\r\n", _body(figures), is_head=method == b"HEAD")


def _body(figures: ProbeFigures) -> str:
    serving, blocked_since, worst_pause_ms, loops = figures
    shown = {
        "serving": serving,
        "blocked_since": blocked_since and blocked_since.isoformat(timespec="milliseconds"),
        "worst_pause_ms": round(worst_pause_ms, 1),
        "loops": loops,
    }
    return json.dumps(shown) + "\n"


def _response(status: str, headers: str = "", body: str = "", *, is_head: bool = False) -> bytes:
    head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\nCache-Control: no-store\r\n"
    return (head + "Connection: close\r\n\r\n" + ("" if is_head else body)).encode("ascii")
