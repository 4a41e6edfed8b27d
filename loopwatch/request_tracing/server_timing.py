"""The response header ``Server-Timing``, which browsers show in their network panel (W3C, Server Timing)."""

from collections.abc import Iterable
from itertools import groupby

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.tracing.traced_requests import Figures
from loopwatch.recorder.paths import shorten

MAX_CALLS = 5
"""Proxies accept a few kilobytes of headers; the log has all calls."""
MAX_DESCRIPTION = 150


def server_timing(figures: Figures, calls: Iterable[BlockingCall]) -> bytes:
    """Return the header's value: where the request's time went, and the calls that took most of it."""
    metrics = [
        _metric("loop", figures.loop_ms, "on the event loop"),
        _metric("blocked", figures.blocked_ms, "of that in stalls"),
        _metric("waiting", figures.waiting_ms, "for stalls of others"),
        *(_metric("call", duration_ms, description) for duration_ms, description in _heaviest(calls)),
    ]
    return ", ".join(metrics).encode("ascii")


def _heaviest(calls: Iterable[BlockingCall]) -> list[tuple[float, str]]:
    """Return the calls with the longest total times, merging calls of one function from one line."""
    described = sorted(
        (_described(call), call.step_ms if call.cause.is_machine else call.duration_ms) for call in calls
    )
    totals: list[tuple[float, str]] = []
    for description, alike in groupby(described, key=lambda each: each[0]):
        durations = [duration_ms for _, duration_ms in alike]
        times = f"{len(durations)} x " if len(durations) > 1 else ""
        totals.append((sum(durations), times + description))
    return sorted(totals, reverse=True)[:MAX_CALLS]


def _described(call: BlockingCall) -> str:
    if call.cause.is_machine:
        return f"no call, the process was {call.cause_in_words}"
    name = call.called_name or call.method_name
    return f"{name} ({shorten(call.filename)}:{call.lineno})" if call.filename else name


def _metric(name: str, duration_ms: float, description: str) -> str:
    return f'{name};desc="{_quotable(description)}";dur={duration_ms:.1f}'


def _quotable(text: str) -> str:
    """Replace what a quoted string of a header must not hold; names of functions and files may hold anything."""
    plain = "".join(each if each.isascii() and each.isprintable() else "?" for each in text[:MAX_DESCRIPTION])
    return plain.replace("\\", "\\\\").replace('"', '\\"')
