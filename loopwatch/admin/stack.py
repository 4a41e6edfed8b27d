"""A stored stack arranged for reading: the user's own frames in the open, the frames of libraries folded between."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from django.utils.functional import Promise

from loopwatch.admin.source_lines import AwaitingCaller, SourceLine, caller_that_can_await, excerpt, mark, mark_text
from loopwatch.advice import Rewriting, rewritten
from loopwatch.models import BlockingEvent
from loopwatch.rows.stacks import StoredFrame, StoredSample
from loopwatch.sources.stored import SourceFiles, UnreadableSourceError

_NAMES = 4


@dataclass(frozen=True, slots=True)
class FrameRow:
    """A frame with its line of source, as far as that is known, and how often in a row it was repeated."""

    frame: StoredFrame
    line: SourceLine | None
    repeated: int


@dataclass(frozen=True, slots=True)
class StackPart:
    """Frames next to each other that are all the user's own, or all not."""

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
    """The lines around the user's own call, or what is left of them and why.

    ``rewriting`` is the call as it could be, ``awaiting`` where it could be awaited if not there.
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


def stack_page(event: BlockingEvent, samples: Sequence[StoredSample]) -> StackPage:
    """Arrange an event's representative stack and read the source it points at."""
    frames = samples[0].frames if samples else ()
    files = SourceFiles()
    parts = [
        StackPart(is_in_app, [_row(frame, len(list(same)), files) for frame, same in groupby(group)])
        for is_in_app, group in groupby(frames, key=lambda frame: frame.is_in_app)
    ]
    return StackPage(_culprit_source(event, frames, files), parts)


def culprit_source(event: BlockingEvent, samples: Sequence[StoredSample]) -> CulpritSource:
    """Only the lines around the call."""
    return _culprit_source(event, samples[0].frames if samples else (), SourceFiles())


def _row(frame: StoredFrame, repeated: int, files: SourceFiles) -> FrameRow:
    current = files.line(frame)
    if current:
        line = mark(current, frame.lineno, frame)
        return FrameRow(frame, SourceLine(line.lineno, line.before.lstrip(), line.marked, line.after), repeated)
    return FrameRow(frame, SourceLine(frame.lineno, frame.source_line) if frame.source_line else None, repeated)


def _culprit_source(event: BlockingEvent, frames: tuple[StoredFrame, ...], files: SourceFiles) -> CulpritSource:
    frame = _culprit_frame(event, frames)
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
        rewriting=rewritten(lines, frame, called_name=event.called_name, cause=event.cause) if event.exact else None,
        awaiting=caller_that_can_await(frames, frame, files),
    )


def _culprit_frame(event: BlockingEvent, frames: tuple[StoredFrame, ...]) -> StoredFrame:
    """The innermost own frame at the event's place; where the stack was not kept, the place alone."""
    for frame in reversed(frames):
        if (frame.filename, frame.lineno) == (event.filename, event.lineno):
            return frame
    return StoredFrame(event.filename, "", event.finding.function, event.lineno, 0, 0, 0, True, "")
