"""What was found as pytest shows a failure: a traceback that ends at the call, with the expression marked."""

import linecache
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from _pytest._code.code import ExceptionChainRepr, ReprEntry, ReprFileLocation, ReprTraceback

from loopwatch.advice import advice_for, rewritten
from loopwatch.detection.calls import StackFrame
from loopwatch.testing.found import Channel, Found
from loopwatch.testing.places import shown

MAX_SHOWN = 5
MAX_LINES = 8
_INDENT = "    "


def failure(found: Sequence[Found], threshold_ms: float) -> ExceptionChainRepr:
    """All that is new in a test. The longest stall comes last, where pytest takes the headline from.

    ``found`` is not empty.
    """
    strict, stalls = of_channel(found, Channel.STRICT), of_channel(found, Channel.STALL)
    groups = [*_by_place(strict), *([each] for each in sorted(stalls, key=lambda each: each.duration_ms))]
    last = groups[-MAX_SHOWN:]
    left_out = len(groups) - len(last)
    said = [f"{left_out} more are not shown. And:"] if left_out else []
    said += ["And:"] * (len(last) - len(said) - 1)
    return ExceptionChainRepr(
        [
            (_traceback(group, threshold_ms), _headline(group), then)
            for group, then in zip(last, [*said, None], strict=True)
        ]
    )


def of_channel(found: Iterable[Found], channel: Channel) -> list[Found]:
    return [each for each in found if each.channel is channel]


def title(found: Found) -> str:
    """``time.sleep blocked the event loop for 61.2 ms``, and in which phase if not in the test itself."""
    phase = "" if found.phase == "call" else f" in the {found.phase}"
    if found.channel is Channel.STRICT:
        return f"{found.name} blocks the event loop, whatever it takes{phase}"
    return f"{found.name} blocked the event loop for {found.duration_ms:.1f} ms{phase}"


def _by_place(strict: Iterable[Found]) -> list[list[Found]]:
    """One call of the user's own code may make many that are known to block: they are one thing to mend."""
    places: dict[tuple[str, int, str, str], list[Found]] = {}
    for each in strict:
        places.setdefault((each.filename, each.lineno, each.fingerprint, each.phase), []).append(each)
    return list(places.values())


def _headline(group: Sequence[Found]) -> ReprFileLocation:
    return ReprFileLocation(shown(group[0].filename), group[0].lineno, title(group[0]))


def _traceback(group: Sequence[Found], threshold_ms: float) -> ReprTraceback:
    found = group[0]
    frames = found.stack or (StackFrame(found.filename, "", found.function, found.lineno),)
    frames = _up_to_own_call(frames) if len(group) > 1 else frames
    said = list(_said_of_stall(found, threshold_ms) if found.channel is Channel.STALL else _said_of_strict(group))
    said += _cure(found)
    entries = [*map(_entry, frames), ReprEntry([f"E   {line}" for line in said], None, None, None, "short")]
    return ReprTraceback(entries, None, "short")


def _said_of_stall(found: Found, threshold_ms: float) -> Iterator[str]:
    doubt = "" if found.exact else " (the call is likely; the function is certain)"
    yield f"{title(found)}{doubt}"
    yield f"in {found.function}, {found.reason}; the threshold is {threshold_ms:g} ms"


def _said_of_strict(group: Sequence[Found]) -> Iterator[str]:
    yield title(group[0])
    yield f"in {group[0].function}"
    calls: Counter[str] = Counter()
    for each in group:
        calls[f"{each.blocking_call} ({each.reason})"] += each.count
    yield from (f"  {name}{'' if count == 1 else f', {count} times'}" for name, count in calls.items())


def _cure(found: Found) -> Iterator[str]:
    cause = "waiting" if found.channel is Channel.STRICT else found.reason
    # The asynchronous half of a package may block too; to advise it would be no help.
    name = found.blocking_call if ".asyncio." in found.name else found.name
    yield advice_for(name, cause=cause, called_name=found.called_name, leaf_name=found.blocking_call).cure
    own = next((frame for frame in reversed(found.stack) if frame.is_own), None)
    if own is not None:
        lines = [line.rstrip("\n") for line in linecache.getlines(own.filename)]
        better = rewritten(lines, own, called_name=found.called_name, cause=cause)
        if better is not None:
            yield f"  {better.text.strip()}"


def _up_to_own_call(frames: tuple[StackFrame, ...]) -> tuple[StackFrame, ...]:
    """Where several calls come from the same place, their stacks differ further inward."""
    last_own = max((index for index, frame in enumerate(frames) if frame.is_own), default=len(frames) - 1)
    return frames[: last_own + 1]


def _entry(frame: StackFrame) -> ReprEntry:
    place = ReprFileLocation(shown(frame.filename), frame.lineno, f"in {frame.function.rpartition('.')[2]}")
    return ReprEntry(_marked(frame), None, None, place, "short")


def _marked(frame: StackFrame) -> list[str]:
    """The lines of the expression, with carets under it where it is a part of its line."""
    last = min(max(frame.end_lineno, frame.lineno), frame.lineno + MAX_LINES - 1)
    lines = [line.rstrip("\n") for line in linecache.getlines(frame.filename)[frame.lineno - 1 : last]]
    if not lines:
        return []
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip() or len(lines) == 1)
    text = [_INDENT + line[indent:] for line in lines]
    if len(lines) == 1 and frame.end_column > 0:
        begin, end = _characters(lines[0], frame.column), _characters(lines[0], frame.end_column)
        text.append(_INDENT + " " * max(0, begin - indent) + "^" * max(1, end - max(begin, indent)))
    return text


def _characters(line: str, utf8_bytes: int) -> int:
    return len(line.encode(errors="surrogatepass")[:utf8_bytes].decode(errors="ignore"))
