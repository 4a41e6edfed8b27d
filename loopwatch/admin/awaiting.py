"""Where a call could be awaited that stands in a plain function: in the nearest coroutine function above it."""

from collections.abc import Sequence
from dataclasses import dataclass

from loopwatch.admin.source_lines import SourceLine, mark
from loopwatch.advice.coroutines import can_await
from loopwatch.rows.stacks import StoredFrame
from loopwatch.sources.stored import SourceFiles, UnreadableSourceError

_LOOKED_AT = 10


@dataclass(frozen=True, slots=True)
class AwaitingCaller:
    """The frame of that function, and the line of it that leads to the call."""

    frame: StoredFrame
    line: SourceLine


def caller_that_can_await(
    frames: Sequence[StoredFrame], culprit: StoredFrame, files: SourceFiles
) -> AwaitingCaller | None:
    """``None`` where the function of the call can await by itself, where no other can, and where that is not known."""
    inward = len(frames) - 1
    while inward >= 0 and frames[inward] is not culprit:
        inward -= 1
    own = [frame for frame in frames[: inward + 1] if frame.is_own]
    for frame in own[: -_LOOKED_AT - 1 : -1]:
        answer = _can_await(frame, files)
        if answer is None or (answer and frame is culprit):
            return None
        if answer:
            line = mark(files.line(frame), frame.lineno, frame)
            return AwaitingCaller(frame, SourceLine(line.lineno, line.before.lstrip(), line.marked, line.after))
    return None


def _can_await(frame: StoredFrame, files: SourceFiles) -> bool | None:
    """Unknown where the file is not what it was."""
    try:
        return can_await(files.lines(frame), frame.lineno)
    except UnreadableSourceError:
        return None
