"""What was found in a test: plain data that travels in pytest's reports, from xdist's workers too."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from loopwatch.detection.calls import BlockingCall, StackFrame

MAX_FRAMES = 60


class Verdict(StrEnum):
    """Whether a test may pass that made the call: it may not if it is new."""

    NEW = "new"
    KNOWN = "known"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class Found:
    """One stall in one test. ``phase`` is setup, call or teardown; ``rule`` is what allowed it, as it was written."""

    test: str
    phase: str
    fingerprint: str
    blocking_call: str
    called_name: str
    function: str
    filename: str
    lineno: int
    source: str
    duration_ms: float
    cause: str
    exact: bool
    stack: tuple[StackFrame, ...] = ()
    verdict: Verdict = Verdict.NEW
    rule: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What a rule may call it."""
        return (self.blocking_call, self.called_name)

    def judged(self, verdict: Verdict, rule: str = "") -> "Found":
        return replace(self, verdict=verdict, rule=rule)

    def as_dict(self) -> dict[str, Any]:
        """Of JSON's types only."""
        return asdict(self) | {"stack": [asdict(frame) for frame in self.stack], "verdict": str(self.verdict)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "Found":
        stack = tuple(StackFrame(**frame) for frame in fields["stack"])
        return cls(**fields | {"stack": stack, "verdict": Verdict(fields["verdict"])})


def found_in(test: str, phase: str, calls: Iterable[BlockingCall]) -> list[Found]:
    return [
        Found(
            test=test,
            phase=phase,
            fingerprint=call.fingerprint,
            blocking_call=call.method_name,
            called_name=call.called_name,
            function=call.function,
            filename=call.filename,
            lineno=call.lineno,
            source=call.source,
            duration_ms=call.duration_ms,
            cause=str(call.cause),
            exact=call.exact,
            stack=_from_own_code_inward(call.stack),
        )
        for call in calls
    ]


def _from_own_code_inward(stack: tuple[StackFrame, ...]) -> tuple[StackFrame, ...]:
    """Without what lies between the loop and the user's first own frame; all of it if there is none."""
    first = next((index for index, frame in enumerate(stack) if frame.is_own), 0)
    return stack[first:][-MAX_FRAMES:]
