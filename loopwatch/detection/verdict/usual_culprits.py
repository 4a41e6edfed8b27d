"""Learns what usually blocks in each function, to correct reports that are not certain.

If other threads compete for the GIL, the sample of a call that kept it may come a moment late, and show the next call
or only the function. One stall does not show which call it was, but many stalls of the same function do. Collections
and imports are never noted: they say nothing about later steps.
"""

from collections import Counter
from dataclasses import replace

from loopwatch.detection.calls import BlockingCall, Cause

MAX_FUNCTIONS = 1000
MAX_CULPRITS = 10
WEIGHT_OF_EXACT = 3
NEVER_USUAL = frozenset({Cause.GARBAGE_COLLECTION, Cause.IMPORTING})


class UsualCulprits:
    """Counts the calls that blocked in each in-app function. Only the watchdog's thread uses it."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}
        self._latest: dict[str, dict[str, BlockingCall]] = {}

    def note(self, call: BlockingCall) -> None:
        if call.cause in NEVER_USUAL:
            return
        counts = self._counts.get(call.function)
        if counts is None or len(counts) >= MAX_CULPRITS:
            self._begin(call.function)
            counts = self._counts[call.function]
        counts[call.called_name] += WEIGHT_OF_EXACT if call.exact else 1
        latest = self._latest[call.function]
        was_exact = call.called_name in latest and latest[call.called_name].exact
        latest[call.called_name] = replace(small(call), exact=call.exact or was_exact)

    def times_named(self, function: str, called: str) -> int:
        """Return how often a call of a function was named. A certain call counts three times."""
        return self._counts.get(function, Counter[str]())[called]

    def likely(self, call: BlockingCall) -> BlockingCall:
        """Rename an uncertain call after the most frequent call of its function that its own samples contain.

        The function itself is one of these if its own time has been certain before, and the call never was.
        """
        counts = self._counts.get(call.function, Counter[str]())
        latest = self._latest.get(call.function, {})
        seen = {call.called_name, *(each.name for each in call.contributions)}
        was_certain = call.called_name in latest and latest[call.called_name].exact
        # A report that names only the function says least, so any call seen in it is better.
        calls = [
            (count, name)
            for name, count in counts.items()
            if name
            and not seen.isdisjoint((name, latest[name].method_name))
            and latest[name].cause is call.cause
            and (name != call.function or (latest[name].exact and not was_certain))
        ]
        if not calls:
            return call
        count, name = max(calls)
        is_named = call.called_name not in ("", call.function)
        if is_named and count <= counts[call.called_name]:
            return call
        return as_usual(call, latest[name])

    def _begin(self, function: str) -> None:
        if len(self._counts) >= MAX_FUNCTIONS:
            self._counts.clear()
            self._latest.clear()
        self._counts[function] = Counter()
        self._latest[function] = {}


def small(call: BlockingCall) -> BlockingCall:
    """Return a call without what is large, to be kept."""
    return replace(call, stack=(), samples=(), request=None, otel_span=None)


def as_usual(call: BlockingCall, usual: BlockingCall) -> BlockingCall:
    """Return a call under the name and at the place of the usual one."""
    return replace(
        call,
        method_name=usual.method_name,
        cause=usual.cause,
        is_c_call=usual.is_c_call,
        filename=usual.filename,
        lineno=usual.lineno,
        source=usual.source,
        function=usual.function,
        called_name=usual.called_name,
        leaf_name=usual.leaf_name,
        calls_seen=1,
    )
