"""What a test is blamed for: a traceback that ends at the call, the expression marked, and a cure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from loopwatch.advice import advice_for, rewritten
from loopwatch.detection.calls import StackFrame
from loopwatch.escaping.terminal import visible
from loopwatch.sources.running import lines_of
from loopwatch.testing.finding import Channel, FindingInTest, short_path

MAX_FAILURES = 5
MAX_LINES = 8
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class TracebackEntry:
    """One frame of the traceback; ``lines`` are of its source, with carets under the expression."""

    filename: str
    lineno: int
    function: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FailureText:
    """Of one stall, or of all the known calls that one call of the user's own code makes."""

    headline: str
    filename: str
    lineno: int
    entries: tuple[TracebackEntry, ...]
    message: tuple[str, ...]


def failure_texts(found: Sequence[FindingInTest], threshold_ms: float) -> tuple[list[FailureText], int]:
    """The longest stall last, no more than ``MAX_FAILURES``; and how many were left out."""
    stalls = [[each] for each in found if each.channel is Channel.STALL]
    stalls.sort(key=lambda group: group[0].duration_ms)
    groups = [*_by_place(each for each in found if each.channel is Channel.STRICT), *stalls]
    told = [_failure_text(group, threshold_ms) for group in groups[-MAX_FAILURES:]]
    return told, len(groups) - len(told)


def terminal_text(found: Sequence[FindingInTest], threshold_ms: float) -> str:
    """The failures as they stand in a terminal."""
    told, left_out = failure_texts(found, threshold_ms)
    texts = ["\n".join(_text_lines(failure)) for failure in told]
    if left_out:
        texts.insert(0, f"{left_out} more are not shown.")
    return "\n\n".join(texts)


def headline(found: FindingInTest) -> str:
    """``time.sleep blocked the event loop for 61.2 ms``, and in which phase if not in the test itself."""
    phase = "" if found.phase == "call" else f" in the {found.phase}"
    if found.channel is Channel.STRICT:
        return f"{found.name} blocks the event loop, whatever it takes{phase}"
    if found.count == 1:
        return f"{found.name} blocked the event loop for {found.duration_ms:.1f} ms{phase}"
    return f"{found.name} blocked the event loop {found.count} times{phase}, for {found.duration_ms:.1f} ms at most"


def _by_place(strict: Iterable[FindingInTest]) -> list[list[FindingInTest]]:
    """One call of the user's own code may make many that are known to block: they are one thing to mend."""
    places: dict[tuple[str, int, str, str], list[FindingInTest]] = {}
    for each in strict:
        places.setdefault((each.filename, each.lineno, each.fingerprint, each.phase), []).append(each)
    return list(places.values())


def _failure_text(group: Sequence[FindingInTest], threshold_ms: float) -> FailureText:
    found = group[0]
    frames = found.stack or (StackFrame(found.filename, "", found.function, found.lineno),)
    if len(group) > 1:
        frames = _up_to_in_app_call(frames)
    said = _stall_message(found, threshold_ms) if found.channel is Channel.STALL else _strict_message(group)
    entries = tuple(map(_entry, frames))
    # Names are data: what a terminal would take for commands is spelled out.
    told = tuple(map(visible, (*said, *_cure(found))))
    return FailureText(visible(headline(found)), short_path(found.filename), found.lineno, entries, told)


def _stall_message(found: FindingInTest, threshold_ms: float) -> Iterator[str]:
    doubt = "" if found.exact else " (the call is likely; the function is certain)"
    yield f"{headline(found)}{doubt}"
    yield f"in {found.function}, {found.reason}; the threshold is {threshold_ms:g} ms"


def _strict_message(group: Sequence[FindingInTest]) -> Iterator[str]:
    yield headline(group[0])
    yield f"in {group[0].function}"
    calls: Counter[str] = Counter()
    for each in group:
        calls[f"{each.blocking_call} ({each.reason})"] += each.count
    yield from (f"  {name}{'' if count == 1 else f', {count} times'}" for name, count in calls.items())


def _cure(found: FindingInTest) -> Iterator[str]:
    cause = "waiting" if found.channel is Channel.STRICT else found.reason
    # The asynchronous half of a package may block too; to advise it would be no help.
    name = found.blocking_call if ".asyncio." in found.name else found.name
    yield advice_for(name, cause=cause, called_name=found.called_name, leaf_name=found.blocking_call).cure
    own = next((frame for frame in reversed(found.stack) if frame.is_own), None)
    if own is not None:
        better = rewritten(lines_of(own.filename), own, called_name=found.called_name, cause=cause)
        if better is not None:
            yield f"  {better.text.strip()}"


def _up_to_in_app_call(frames: tuple[StackFrame, ...]) -> tuple[StackFrame, ...]:
    """Where several calls come from the same place, their stacks differ further inward."""
    last_own = max((index for index, frame in enumerate(frames) if frame.is_own), default=len(frames) - 1)
    return frames[: last_own + 1]


def _entry(frame: StackFrame) -> TracebackEntry:
    function = visible(frame.function.rpartition(".")[2])
    return TracebackEntry(short_path(frame.filename), frame.lineno, function, tuple(_marked(frame)))


def _marked(frame: StackFrame) -> list[str]:
    """The lines of the expression, with carets under it where it is a part of its line."""
    last = min(max(frame.end_lineno, frame.lineno), frame.lineno + MAX_LINES - 1)
    source = lines_of(frame.filename)[max(0, frame.lineno - 1) : last]
    lines = [visible(line.replace("\t", " ")) for line in source]
    if not lines:
        return []
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    text = [_INDENT + line[indent:] for line in lines]
    if len(lines) == 1 and frame.end_column > 0:
        begin, end = _characters(lines[0], frame.column), _characters(lines[0], frame.end_column)
        text.append(_INDENT + " " * max(0, begin - indent) + "^" * max(1, end - max(begin, indent)))
    return text


def _characters(line: str, utf8_bytes: int) -> int:
    return len(line.encode(errors="surrogatepass")[:utf8_bytes].decode(errors="ignore"))


def _text_lines(failure: FailureText) -> Iterator[str]:
    for entry in failure.entries:
        yield f"{entry.filename}:{entry.lineno}: in {entry.function}"
        yield from entry.lines
    yield from failure.message
