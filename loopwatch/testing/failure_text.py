"""Explains why a test fails: a traceback that ends at the blocking call, with its expression marked, and a cure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from loopwatch.advice import advice_for, rewritten
from loopwatch.detection.calls import StackFrame
from loopwatch.detection.strict.django_calls import BACKEND_KINDS
from loopwatch.escaping.terminal import visible
from loopwatch.headline import at_least
from loopwatch.sources.running import lines_of
from loopwatch.testing.finding import Channel, FindingInTest, short_path
from loopwatch.testing.traceback_entries import TracebackEntry, traceback_entries

MAX_FAILURES = 5


@dataclass(frozen=True, slots=True)
class FailureText:
    """Describes one stall, or all strict calls made by one in-app call."""

    headline: str
    filename: str
    lineno: int
    entries: tuple[TracebackEntry, ...]
    message: tuple[str, ...]


def failure_texts(findings: Sequence[FindingInTest], threshold_ms: float) -> tuple[list[FailureText], int]:
    """Return at most ``MAX_FAILURES`` texts, the longest stall last, and how many were left out."""
    stalls = [[finding] for finding in findings if finding.channel is Channel.STALL]
    stalls.sort(key=lambda group: group[0].duration_ms)
    groups = [*_by_place(finding for finding in findings if finding.channel is Channel.STRICT), *stalls]
    shown = [_failure_text(group, threshold_ms) for group in groups[-MAX_FAILURES:]]
    return shown, len(groups) - len(shown)


def terminal_text(findings: Sequence[FindingInTest], threshold_ms: float) -> str:
    """Return the failures as plain text for a terminal."""
    shown, left_out = failure_texts(findings, threshold_ms)
    texts = ["\n".join(_text_lines(failure)) for failure in shown]
    if left_out:
        texts.insert(0, f"{left_out} more not shown.")
    return "\n\n".join(texts)


def headline(finding: FindingInTest) -> str:
    """Return ``time.sleep blocked the event loop for 61.2 ms``, with the phase unless it is the test itself."""
    phase = "" if finding.phase == "call" else f" in {finding.phase}"
    if finding.channel is Channel.STRICT:
        return f"{finding.name} is known to block the event loop{phase}"
    if finding.count == 1:
        return f"{finding.name} blocked the event loop for {finding.duration_ms:.1f} ms{phase}"
    return f"{finding.name} blocked the event loop {finding.count} times{phase}, up to {finding.duration_ms:.1f} ms"


def _by_place(strict: Iterable[FindingInTest]) -> list[list[FindingInTest]]:
    """Group strict calls by the in-app call that makes them, because one fix there removes them all."""
    places: dict[tuple[str, int, str, str], list[FindingInTest]] = {}
    for finding in strict:
        place = (finding.filename, finding.lineno, finding.fingerprint, finding.phase)
        places.setdefault(place, []).append(finding)
    return list(places.values())


def _failure_text(group: Sequence[FindingInTest], threshold_ms: float) -> FailureText:
    finding = group[0]
    frames = finding.stack or (StackFrame(finding.filename, "", finding.function, finding.lineno),)
    if len(group) > 1:
        frames = _up_to_in_app_call(frames)
    message = _stall_message(finding, threshold_ms) if finding.channel is Channel.STALL else _strict_message(group)
    return FailureText(
        visible(headline(finding)),
        short_path(finding.filename),
        finding.lineno,
        tuple(traceback_entries(frames)),
        # Names come from the code under test and may contain terminal control characters.
        tuple(map(visible, (*message, *_cure(finding)))),
    )


def _stall_message(finding: FindingInTest, threshold_ms: float) -> Iterator[str]:
    doubt = "" if finding.exact else " (the call is likely; the function is certain)"
    yield f"{headline(finding)}{doubt}"
    calls = f", {at_least(finding.calls_seen)}" if finding.calls_seen > 1 else ""
    yield f"in {finding.function}{calls}, {finding.reason}; the threshold is {threshold_ms:g} ms"


def _strict_message(group: Sequence[FindingInTest]) -> Iterator[str]:
    first = group[0]
    calls: Counter[tuple[str, str]] = Counter()
    for finding in group:
        calls[finding.blocking_call, _kind(finding)] += finding.count
    yield headline(first)
    if list(calls) == [(first.name, _kind(first))]:
        yield f"in {first.function} ({_kind(first)}){_times(first.count)}"
        return
    yield f"in {first.function}, where it calls"
    yield from (f"  {name} ({kind}){_times(count)}" for (name, kind), count in calls.items())


def _kind(finding: FindingInTest) -> str:
    slower = "; the site's backend may be slower than the test's" if finding.reason in BACKEND_KINDS else ""
    return f"{finding.reason}{slower}"


def _times(count: int) -> str:
    return "" if count == 1 else f", {count} times"


def _cure(finding: FindingInTest) -> Iterator[str]:
    cause = "waiting" if finding.channel is Channel.STRICT else finding.reason
    advice = advice_for(
        finding.blocking_call, cause=cause, called_name=finding.called_name, calls_seen=finding.calls_seen
    )
    yield advice.cure
    in_app = next((frame for frame in reversed(finding.stack) if frame.is_in_app and frame.module), None)
    if in_app is not None:
        better = rewritten(lines_of(in_app.filename), in_app, called_name=finding.called_name, advice=advice)
        if better is not None:
            yield f"  {better.text.strip()}"


def _up_to_in_app_call(frames: tuple[StackFrame, ...]) -> tuple[StackFrame, ...]:
    """Drop library frames at the end, which differ between calls made by the same in-app line."""
    last = max((index for index, frame in enumerate(frames) if frame.is_in_app), default=len(frames) - 1)
    return frames[: last + 1]


def _text_lines(failure: FailureText) -> Iterator[str]:
    for entry in failure.entries:
        if entry.function:
            yield f"{entry.filename}:{entry.lineno}: in {entry.function}"
        yield from entry.lines
    yield from failure.message
