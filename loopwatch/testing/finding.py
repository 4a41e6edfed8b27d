"""Defines a finding in a test: plain data that pytest's reports carry, including those of xdist workers."""

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from loopwatch.detection.calls import BlockingCall, StackFrame
from loopwatch.detection.strict.calls import StrictCall
from loopwatch.escaping.terminal import visible
from loopwatch.headline import headline
from loopwatch.sources.running import expression_of

MAX_FRAMES = 60


class Channel(StrEnum):
    """Says how a call was detected: a stall by its duration, a strict call by its name. They are counted separately."""

    STALL = "stall"
    STRICT = "strict"


class Verdict(StrEnum):
    """Decides whether the test may pass: only a new finding fails it."""

    NEW = "new"
    KNOWN = "known"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class FindingInTest:
    """Holds the stalls of one call from one place in one test, or its strict calls of one name.

    ``phase`` is setup, call or teardown. ``reason`` is the cause of a stall or the kind of a strict call. ``count`` is
    the number of stalls or calls, ``duration_ms`` the longest and ``blocked_ms`` their sum. ``calls_seen`` is how many
    calls the longest stall is known to have made. ``rule`` is the text of the rule that allowed the finding.
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
    calls_seen: int = 1
    stack: tuple[StackFrame, ...] = ()
    verdict: Verdict = Verdict.NEW
    rule: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which a rule may refer to the call."""
        return (self.blocking_call, self.called_name)

    @property
    def name(self) -> str:
        """The name to show: the headline of a stall, or the in-app call that makes the strict calls."""
        if self.channel is Channel.STRICT:
            return self.called_name
        return headline(called=self.called_name, detail=self.blocking_call)

    def with_verdict(self, verdict: Verdict, rule: str = "") -> "FindingInTest":
        return replace(self, verdict=verdict, rule=rule)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as values that JSON can represent."""
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
        calls_seen=call.calls_seen,
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
    """Drop the frames between the loop and the first in-app frame; keep all if none is in-app."""
    first = next((index for index, frame in enumerate(stack) if frame.is_in_app), 0)
    return stack[first:][-MAX_FRAMES:]


def short_path(filename: str) -> str:
    """Return the path relative to the current folder, with forward slashes, if the file is inside that folder.

    Control characters are escaped in any case.
    """
    try:
        relative = os.path.relpath(filename)
    except (ValueError, OSError):  # another drive, or empty; or the current folder is gone
        return visible(filename)
    return visible(filename if relative.startswith(os.pardir) else relative.replace(os.sep, "/"))
