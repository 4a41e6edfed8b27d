"""What was found in a test: plain data that travels in pytest's reports, from xdist's workers too."""

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from loopwatch.detection.calls import BlockingCall, StackFrame
from loopwatch.detection.strict.calls import StrictCall
from loopwatch.escaping.terminal import visible
from loopwatch.sources.running import expression_of

MAX_FRAMES = 60


class Channel(StrEnum):
    """Stalls are found by how long they took, strict calls by what they are. They are never counted together."""

    STALL = "stall"
    STRICT = "strict"


class Verdict(StrEnum):
    """Whether a test may pass that made the call: it may not if it is new."""

    NEW = "new"
    KNOWN = "known"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class FindingInTest:
    """The stalls of one call from one place in one test, or the strict calls of one name.

    ``phase`` is setup, call or teardown; ``reason`` is the cause of a stall or the kind of a strict call; ``count`` is
    how many there were, ``duration_ms`` the longest and ``blocked_ms`` all of them; ``rule`` is what allowed it, as it
    was written.
    """

    test: str
    phase: str
    channel: Channel
    fingerprint: str
    blocking_call: str
    called_name: str
    function: str
    filename: str
    lineno: int
    source: str
    reason: str
    duration_ms: float = 0.0
    blocked_ms: float = 0.0
    exact: bool = True
    count: int = 1
    stack: tuple[StackFrame, ...] = ()
    verdict: Verdict = Verdict.NEW
    rule: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What a rule may call it."""
        return (self.blocking_call, self.called_name)

    @property
    def name(self) -> str:
        """What to call it: a stall by the culprit, strict calls by what the user's own code called to make them."""
        return self.called_name if self.channel is Channel.STRICT else self.blocking_call

    def with_verdict(self, verdict: Verdict, rule: str = "") -> "FindingInTest":
        return replace(self, verdict=verdict, rule=rule)

    def as_dict(self) -> dict[str, Any]:
        """Of JSON's types only."""
        texts = {"channel": str(self.channel), "verdict": str(self.verdict)}
        return asdict(self) | texts | {"stack": [asdict(frame) for frame in self.stack]}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "FindingInTest":
        stack = tuple(StackFrame(**frame) for frame in fields["stack"])
        chosen = {"channel": Channel(fields["channel"]), "verdict": Verdict(fields["verdict"])}
        return cls(**fields | chosen | {"stack": stack})


def stalls_in(test: str, phase: str, calls: Iterable[BlockingCall]) -> list[FindingInTest]:
    places: dict[tuple[str, int, str], list[BlockingCall]] = {}
    for call in calls:
        places.setdefault((call.filename, call.lineno, call.fingerprint), []).append(call)
    return [_stall_finding(test, phase, alike) for alike in places.values()]


def _stall_finding(test: str, phase: str, alike: list[BlockingCall]) -> FindingInTest:
    call = max(alike, key=lambda each: each.duration_ms)
    return FindingInTest(
        test=test,
        phase=phase,
        channel=Channel.STALL,
        fingerprint=call.fingerprint,
        blocking_call=call.method_name,
        called_name=call.called_name,
        function=call.function,
        filename=call.filename,
        lineno=call.lineno,
        source=expression_of(call.filename, call.source),
        reason=str(call.cause),
        duration_ms=call.duration_ms,
        blocked_ms=sum(each.duration_ms for each in alike),
        exact=call.exact,
        count=len(alike),
        stack=_from_in_app_code_inward(call.stack),
    )


def strict_in(test: str, phase: str, calls: Iterable[StrictCall]) -> list[FindingInTest]:
    return [
        FindingInTest(
            test=test,
            phase=phase,
            channel=Channel.STRICT,
            fingerprint=call.fingerprint,
            blocking_call=call.name,
            called_name=call.called_name,
            function=call.function,
            filename=call.filename,
            lineno=call.lineno,
            source=expression_of(call.filename, call.source),
            reason=str(call.kind),
            count=call.count,
            stack=_from_in_app_code_inward(call.stack),
        )
        for call in calls
    ]


def _from_in_app_code_inward(stack: tuple[StackFrame, ...]) -> tuple[StackFrame, ...]:
    """Without what lies between the loop and the user's first own frame; all of it if there is none."""
    first = next((index for index, frame in enumerate(stack) if frame.is_own), 0)
    return stack[first:][-MAX_FRAMES:]


def short_path(filename: str) -> str:
    """Relative to the current folder for what lies in it, with forward slashes; as it is otherwise, but for what a
    terminal would take for commands."""
    try:
        relative = os.path.relpath(filename)
    except ValueError:  # another drive, or empty
        return visible(filename)
    return visible(filename if relative.startswith(os.pardir) else relative.replace(os.sep, "/"))
