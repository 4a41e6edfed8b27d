"""The response header ``Server-Timing``, which browsers show in their network panel (W3C, Server Timing)."""

from collections.abc import Iterable
from itertools import groupby

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.traced_requests import Figures
from loopwatch.recording.paths import shorten

MAX_CALLS = 5
"""Proxies take no more than a few kilobytes of headers; the log has all calls."""
MAX_DESCRIPTION = 150
_CACHING = {b"expires", b"surrogate-control", b"edge-control", b"x-accel-expires"}

Headers = list[tuple[bytes, bytes]]


def server_timing(figures: Figures, calls: Iterable[BlockingCall]) -> bytes:
    """The header's value: where the request's time went, and the calls that took most of it."""
    metrics = [
        _metric("loop", figures.loop_ms, "on the event loop"),
        _metric("blocked", figures.blocked_ms, "of that in stalls"),
        _metric("waiting", figures.waiting_ms, "for stalls of others"),
        *(_metric("call", duration_ms, what) for duration_ms, what in _heaviest(calls)),
    ]
    return ", ".join(metrics).encode("ascii")


def appended(headers: Iterable[Iterable[bytes]], name: bytes, value: bytes) -> Headers:
    """The headers with a value added to a header that is a list, which may be there already."""
    found: Headers = [(each_name, each_value) for each_name, each_value in headers]
    for index in range(len(found) - 1, -1, -1):
        if found[index][0].lower() == name:
            found[index] = (found[index][0], found[index][1] + b", " + value)
            return found
    return [*found, (name, value)]


def uncached(headers: Iterable[Iterable[bytes]]) -> Headers:
    """The headers of a response that no cache may keep, whichever of them it obeys."""
    kept = [(name, value) for name, value in headers if not _is_for_caches(name.lower())]
    return [*kept, (b"cache-control", b"no-store")]


def _is_for_caches(name: bytes) -> bool:
    """CDNs prefer headers of their own to ``Cache-Control`` (RFC 9213), nginx another."""
    return name.endswith(b"cache-control") or name in _CACHING


def _heaviest(calls: Iterable[BlockingCall]) -> list[tuple[float, str]]:
    """Calls of the same function from the same line are one."""
    described = sorted(
        (_described(call), call.step_ms if call.cause.is_machine else call.duration_ms) for call in calls
    )
    added: list[tuple[float, str]] = []
    for what, alike in groupby(described, key=lambda each: each[0]):
        durations = [duration_ms for _, duration_ms in alike]
        times = f"{len(durations)} x " if len(durations) > 1 else ""
        added.append((sum(durations), times + what))
    return sorted(added, reverse=True)[:MAX_CALLS]


def _described(call: BlockingCall) -> str:
    if call.cause.is_machine:
        return f"no call, the process was {call.cause}"
    return f"{call.method_name} ({shorten(call.filename)}:{call.lineno})" if call.filename else call.method_name


def _metric(name: str, duration_ms: float, description: str) -> str:
    return f'{name};desc="{_quotable(description)}";dur={duration_ms:.1f}'


def _quotable(text: str) -> str:
    """What may stand in a quoted string of a header: names of functions and files may hold anything."""
    plain = "".join(each if each.isascii() and each.isprintable() else "?" for each in text[:MAX_DESCRIPTION])
    return plain.replace("\\", "\\\\").replace('"', '\\"')
