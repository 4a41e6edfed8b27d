"""Learns what usually blocks in each kind of step, so that a stall which shows no call makes no separate finding.

A call that keeps the GIL may be over before the watchdog gets it, if other threads come first. Then no sample shows the
call: there is none, or one that shows what the step ran next. Such a stall joins the finding of the call that blocks
this kind of step, if only one is known. It is never certain.
"""

from dataclasses import dataclass

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.verdict.usual_culprits import NEVER_USUAL, as_usual, small

MAX_STEPS = 1000
MAX_CALLS = 10


@dataclass(slots=True)
class _Usual:
    """A call that blocked, how often, and the in-app functions that have made it, directly or not."""

    call: BlockingCall
    callers: frozenset[str]
    times: int = 0


class UsualSteps:
    """Counts the calls that blocked in each kind of step (``step_name.kind_of_step``). Only the watchdog uses it."""

    def __init__(self) -> None:
        self._steps: dict[str, dict[tuple[str, str], _Usual]] = {}

    def note(self, step: str, call: BlockingCall) -> None:
        if not step or call.cause in NEVER_USUAL:
            return
        if len(self._steps) >= MAX_STEPS and step not in self._steps:
            self._steps.clear()
        calls = self._steps.setdefault(step, {})
        names = call.function, call.called_name
        if len(calls) >= MAX_CALLS and names not in calls:
            calls.clear()
        if names not in calls or call.exact:
            callers = frozenset(frame.name for frame in call.stack if frame.is_in_app)
            calls[names] = _Usual(small(call), callers, calls[names].times if names in calls else 0)
        calls[names].times += 1

    def joined(self, step: str, call: BlockingCall) -> BlockingCall:
        """Return a call under the name of the one that usually blocks such a step, if it shows none itself."""
        if call.exact or not _shows_no_call(call):
            return call
        known = self._steps.get(step, {})
        usual = [each for each in known.values() if each.call.exact or not _shows_no_call(each.call)]
        if len(usual) != 1 or 2 * usual[0].times < sum(each.times for each in known.values()):
            return call
        return as_usual(call, usual[0].call) if _may_have_made(call, usual[0]) else call


def _shows_no_call(call: BlockingCall) -> bool:
    return call.called_name == call.function


def _may_have_made(call: BlockingCall, usual: _Usual) -> bool:
    """Return whether what a stall shows may have come after the usual call: a later line, or a function around it."""
    if not call.stack:
        return True
    if call.cause is not usual.call.cause:
        return False
    return call.lineno >= usual.call.lineno if call.function == usual.call.function else call.function in usual.callers
