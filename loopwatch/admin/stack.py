"""Arranges a stored stack for a page: in-app frames are open, library frames between them are folded."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from django.utils.functional import Promise

from loopwatch.admin.source_lines import AwaitingCaller, SourceLine, caller_that_can_await, excerpt, mark, mark_text
from loopwatch.advice import Advice, Rewriting
from loopwatch.models import BlockingEvent
from loopwatch.reporting.event_cure import call_rewritten, culprit_frame
from loopwatch.rows.stacks import StoredFrame, StoredSample, StoredThread
from loopwatch.sources.stored import SourceFiles, UnreadableSourceError

_NAMES = 4


@dataclass(frozen=True, slots=True)
class FrameRow:
    """Holds a frame, its source line if known, and how often the frame is repeated in a row."""

    frame: StoredFrame
    line: SourceLine | None
    repeated: int


@dataclass(frozen=True, slots=True)
class StackPart:
    """Holds adjacent frames that are all in-app, or all not."""

    is_in_app: bool
    rows: list[FrameRow]

    @property
    def packages(self) -> str:
        names = dict.fromkeys(row.frame.module.partition(".")[0] for row in self.rows if row.frame.module)
        return ", ".join(list(names)[:_NAMES]) + (", …" if len(names) > _NAMES else "")

    @property
    def size(self) -> int:
        return sum(row.repeated for row in self.rows)


@dataclass(frozen=True, slots=True)
class CulpritSource:
    """Holds the lines around the in-app call, or the stored line and a ``note`` why there are no more.

    ``rewriting`` is the call rewritten, ``awaiting`` the nearest caller that could await it.
    """

    filename: str
    lineno: int
    function: str
    lines: list[SourceLine]
    note: Promise | None = None
    rewriting: Rewriting | None = None
    awaiting: AwaitingCaller | None = None


@dataclass(frozen=True, slots=True)
class StackPage:
    culprit: CulpritSource
    parts: list[StackPart]

    @property
    def has_own(self) -> bool:
        return any(part.is_in_app for part in self.parts)


@dataclass(frozen=True, slots=True)
class ThreadView:
    """Holds the stack that ``count`` other threads had, and the name of the function in which they were."""

    place: str
    count: int
    parts: list[StackPart]

    @property
    def has_own(self) -> bool:
        return any(part.is_in_app for part in self.parts)


def stack_page(event: BlockingEvent, samples: Sequence[StoredSample], advice: Advice) -> StackPage:
    """Arrange an event's representative stack, and read its source lines."""
    frames = samples[0].frames if samples else ()
    files = SourceFiles()
    return StackPage(_culprit_source(event, frames, files, advice), _parts(frames, files))


def other_threads(threads: Sequence[StoredThread]) -> list[ThreadView]:
    """Arrange the stacks of the other threads, and read their source lines."""
    files = SourceFiles()
    return [ThreadView(_place(thread.frames), thread.count, _parts(thread.frames, files)) for thread in threads]


def _place(frames: Sequence[StoredFrame]) -> str:
    """Return the name of the innermost in-app function, or of the innermost one."""
    innermost_first = frames[::-1]
    in_app = (frame.name for frame in innermost_first if frame.is_in_app)
    return next(in_app, innermost_first[0].name if frames else "")


def _parts(frames: Sequence[StoredFrame], files: SourceFiles) -> list[StackPart]:
    return [
        StackPart(is_in_app, [_row(frame, len(list(same)), files) for frame, same in groupby(group)])
        for is_in_app, group in groupby(frames, key=lambda frame: frame.is_in_app)
    ]


def culprit_source(event: BlockingEvent, samples: Sequence[StoredSample], advice: Advice) -> CulpritSource:
    """Return only the lines around the call."""
    return _culprit_source(event, samples[0].frames if samples else (), SourceFiles(), advice)


def _row(frame: StoredFrame, repeated: int, files: SourceFiles) -> FrameRow:
    current = files.line(frame)
    if current:
        line = mark(current, frame.lineno, frame)
        return FrameRow(frame, SourceLine(line.lineno, line.before.lstrip(), line.marked, line.after), repeated)
    return FrameRow(frame, SourceLine(frame.lineno, frame.source_line) if frame.source_line else None, repeated)


def _culprit_source(
    event: BlockingEvent, frames: tuple[StoredFrame, ...], files: SourceFiles, advice: Advice
) -> CulpritSource:
    frame = culprit_frame(event, frames)
    stored = mark_text(frame.source_line or event.source, frame.lineno, event.source)
    try:
        lines = files.lines(frame)
    except UnreadableSourceError as unavailable:
        return CulpritSource(frame.filename, frame.lineno, frame.name, [stored], unavailable.reason)
    return CulpritSource(
        frame.filename,
        frame.lineno,
        frame.name,
        excerpt(lines, frame),
        rewriting=call_rewritten(event, frame, lines, advice),
        awaiting=caller_that_can_await(frames, frame, files),
    )
