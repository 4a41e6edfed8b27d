"""Reads the stacks of one stall from the column ``BlockingEvent.stacks``.

Version 1 is an object::

    {"version": 1,
     "frames": [[filename, module, function, lineno, end_lineno, column, end_column, is_in_app, source_line], …],
     "samples": [[ms, [indices of frames, outermost first]], …],
     "threads": [[number of threads, [indices of frames, outermost first]], …]}

The first sample is the representative stack; equal stacks are one sample. ``is_in_app`` is 0 or 1. In a very deep
stack, the middle is replaced by a frame whose function says how many frames were left out; its other fields are empty.
``threads`` are the other threads of the process, if the stall was reported while it went on; the key may be missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from loopwatch.rows.column import Column, is_number, read_entries

VERSION = 1
SAMPLES_LIMIT = 100
FRAMES_LIMIT = 10_000
"""More frames than are ever written; the limit protects readers from slow rows."""
LARGEST_INTEGER = 2**31 - 1
LONGEST_MS = 2.0**53 / 1000


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A stored frame. Lines are 1-based, columns are 0-based UTF-8 bytes; 0 if unknown."""

    filename: str
    module: str
    function: str
    lineno: int
    end_lineno: int
    column: int
    end_column: int
    is_in_app: bool
    source_line: str

    @property
    def name(self) -> str:
        """The qualified name, ``module.qualname``."""
        return f"{self.module}.{self.function}" if self.module else self.function


@dataclass(frozen=True, slots=True)
class StoredSample:
    """A stack, outermost frame first, and its share of the step in milliseconds."""

    duration_ms: float
    frames: tuple[StoredFrame, ...]


@dataclass(frozen=True, slots=True)
class StoredThread:
    """A stack, outermost frame first, and how many other threads had it."""

    count: int
    frames: tuple[StoredFrame, ...]


def read_threads(stored: object) -> Column[StoredThread]:
    """Read the stacks of the other threads of a row."""
    match stored:
        case {"version": 1, "frames": list() as stored_frames, "threads": threads}:
            frames = [_frame(fields) for fields in stored_frames[:FRAMES_LIMIT]]
            return read_entries(threads, partial(_thread, frames), SAMPLES_LIMIT)
    return Column()


def read_stacks(stored: object) -> Column[StoredSample]:
    """Read the samples of a row, the representative stack first. An empty object means that no stack was kept."""
    if stored == {}:
        return Column()
    match stored:
        case {"version": 1, "frames": list() as stored_frames, "samples": samples}:
            frames = [_frame(fields) for fields in stored_frames[:FRAMES_LIMIT]]
            return read_entries(samples, partial(_sample, frames), SAMPLES_LIMIT)
    return Column(is_damaged=True)


def _sample(frames: Sequence[StoredFrame | None], sample: object) -> StoredSample | None:
    match sample:
        case [int() | float() as duration_ms, list() as indices] if is_number(duration_ms, LONGEST_MS):
            stack = _stack(frames, indices)
            return None if stack is None else StoredSample(float(duration_ms), stack)
    return None


def _thread(frames: Sequence[StoredFrame | None], thread: object) -> StoredThread | None:
    match thread:
        case [int() as count, list() as indices] if is_number(count, LARGEST_INTEGER):
            stack = _stack(frames, indices)
            return None if stack is None else StoredThread(count, stack)
    return None


def _stack(frames: Sequence[StoredFrame | None], indices: list[object]) -> tuple[StoredFrame, ...] | None:
    """Return the frames that a stack refers to; ``None`` if any of them is missing."""
    stack = [_at(index, frames) for index in indices[:FRAMES_LIMIT]]
    known = tuple(frame for frame in stack if frame is not None)
    return known if len(known) == len(indices) else None


def _at(index: object, frames: Sequence[StoredFrame | None]) -> StoredFrame | None:
    return frames[index] if isinstance(index, int) and 0 <= index < len(frames) else None


def _frame(fields: object) -> StoredFrame | None:
    match fields:
        case [
            str() as filename,
            str() as module,
            str() as function,
            int() as lineno,
            int() as end_lineno,
            int() as column,
            int() as end_column,
            int() as is_in_app,
            str() as source_line,
        ]:
            position = (lineno, end_lineno, column, end_column)
            if all(is_number(figure, LARGEST_INTEGER) for figure in position):
                return StoredFrame(filename, module, function, *position, bool(is_in_app), source_line)
    return None
