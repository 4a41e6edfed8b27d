"""Chooses the source lines to show for a frame, and marks its expression in them."""

from collections.abc import Sequence
from dataclasses import dataclass

from loopwatch.advice.coroutines import can_await
from loopwatch.rows.stacks import StoredFrame
from loopwatch.sources.stored import SourceFiles, UnreadableSourceError

_LARGEST_CALL = 12
_AROUND = 4
_MAX_CALLERS_TRIED = 10


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Holds one line, split at the expression; ``marked`` is empty if the line has no part of it."""

    lineno: int
    before: str
    marked: str = ""
    after: str = ""
    is_call: bool = False


@dataclass(frozen=True, slots=True)
class AwaitingCaller:
    """Holds the frame of a coroutine function, and its line that leads to the call."""

    frame: StoredFrame
    line: SourceLine


def excerpt(lines: tuple[str, ...], frame: StoredFrame) -> list[SourceLine]:
    """Return the lines around a frame's expression, marked if its columns are known."""
    last = _last_line(frame)
    first_shown, last_shown = max(frame.lineno - _AROUND, 1), min(last + _AROUND, len(lines))
    return [mark(lines[number - 1], number, frame) for number in range(first_shown, last_shown + 1)]


def mark(line: str, number: int, frame: StoredFrame) -> SourceLine:
    """Split a line at the columns of the frame's expression, which count UTF-8 bytes."""
    is_call = frame.lineno <= number <= _last_line(frame)
    if not is_call or not frame.end_column:
        return SourceLine(number, before=line, is_call=is_call)
    encoded = line.encode(errors="surrogatepass")
    indent = len(encoded) - len(encoded.lstrip())
    begin = frame.column if number == frame.lineno else indent
    end = frame.end_column if number == max(frame.end_lineno, frame.lineno) else len(encoded)
    before, marked, after = (
        part.decode(errors="ignore") for part in (encoded[:begin], encoded[begin:end], encoded[end:])
    )
    return SourceLine(number, before, marked, after, is_call=True)


def mark_text(line: str, number: int, expression: str) -> SourceLine:
    """Mark an expression by its text, in a stored line, whose columns are unknown without its indentation."""
    before, found, after = line.partition(expression) if expression else (line, "", "")
    return SourceLine(number, before, found, after, is_call=True)


def caller_that_can_await(
    frames: Sequence[StoredFrame], culprit: StoredFrame, files: SourceFiles
) -> AwaitingCaller | None:
    """Return the nearest coroutine function above the call.

    Returns ``None`` if the function of the call can await itself, if no caller can, or if that is unknown.
    """
    inward = len(frames) - 1
    while inward >= 0 and frames[inward] is not culprit:
        inward -= 1
    in_app = [frame for frame in frames[: inward + 1] if frame.is_in_app and frame.module]
    for frame in in_app[: -_MAX_CALLERS_TRIED - 1 : -1]:
        answer = _can_await(frame, files)
        if answer is None or (answer and frame is culprit):
            return None
        if answer:
            line = mark(files.line(frame), frame.lineno, frame)
            return AwaitingCaller(frame, SourceLine(line.lineno, line.before.lstrip(), line.marked, line.after))
    return None


def _can_await(frame: StoredFrame, files: SourceFiles) -> bool | None:
    """Return whether the frame's function can await, or ``None`` if its file has changed."""
    try:
        return can_await(files.lines(frame), frame.lineno)
    except UnreadableSourceError:
        return None


def _last_line(frame: StoredFrame) -> int:
    return min(max(frame.end_lineno, frame.lineno), frame.lineno + _LARGEST_CALL)
