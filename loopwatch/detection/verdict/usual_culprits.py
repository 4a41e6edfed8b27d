"""What usually blocks in a function, for the reports that are not certain.

When other threads compete for the GIL, the sample of a call that had kept it may come a moment late and show the next
call, or only the function. One stall does not show which of these calls it was, but many stalls of the same function
do. A collection or an import is never noted: what an earlier step collected or imported says nothing about a later one.
"""

from collections import Counter
from dataclasses import replace

from loopwatch.detection.calls import BlockingCall, Cause

MAX_FUNCTIONS = 1000
MAX_CULPRITS = 10
WEIGHT_OF_EXACT = 3
_NEVER_USUAL = frozenset({Cause.GARBAGE_COLLECTION, Cause.IMPORTING})


class UsualCulprits:
    """Counts, for every function of the user's own, what was seen to block in it. For the watchdog's thread alone."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}
        self._latest: dict[str, dict[str, BlockingCall]] = {}

    def note(self, call: BlockingCall) -> None:
        if call.cause in _NEVER_USUAL:
            return
        counts = self._counts.get(call.function)
        if counts is None or len(counts) >= MAX_CULPRITS:
            self._begin(call.function)
            counts = self._counts[call.function]
        counts[call.method_name] += WEIGHT_OF_EXACT if call.exact else 1
        self._latest[call.function][call.method_name] = replace(
            call, stack=(), samples=(), request=None, otel_span=None
        )

    def likely(self, call: BlockingCall) -> BlockingCall:
        """Rename an uncertain call after the most frequent culprit of its function that its own samples contain."""
        counts = self._counts.get(call.function, Counter[str]())
        seen = {call.called_name, *(each.name for each in call.contributions)}
        # A report that names only the function says least, so any call seen in it is likelier.
        calls = [
            (count, name)
            for name, count in counts.items()
            if name in seen and name != call.function and self._latest[call.function][name].cause is call.cause
        ]
        if not calls:
            return call
        count, name = max(calls)
        if call.method_name != call.function and count <= counts[call.method_name]:
            return call
        return _as_usual(call, self._latest[call.function][name])

    def stand_in(self, call: BlockingCall) -> BlockingCall:
        """Rename a call without samples after the culprit of its function, if only one is known."""
        counts = self._counts.get(call.function, Counter[str]())
        names = [name for name in counts if name != call.function] or list(counts)
        return _as_usual(call, self._latest[call.function][names[0]]) if len(names) == 1 else call

    def _begin(self, function: str) -> None:
        if len(self._counts) >= MAX_FUNCTIONS:
            self._counts.clear()
            self._latest.clear()
        self._counts[function] = Counter()
        self._latest[function] = {}


def _as_usual(call: BlockingCall, usual: BlockingCall) -> BlockingCall:
    return replace(
        call,
        method_name=usual.method_name,
        cause=usual.cause,
        is_c_call=usual.is_c_call,
        lineno=usual.lineno,
        source=usual.source,
        called_name=usual.called_name,
        leaf_name=usual.leaf_name,
    )
