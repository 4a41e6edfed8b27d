"""The stacks of one stall as JSON (the column ``BlockingEvent.stacks``).

Version 1 is an object::

    {"version": 1,
     "frames": [[filename, module, function, lineno, end_lineno, column, end_column, is_own, source_line], …],
     "samples": [[ms, [indices of frames, outermost first]], …]}

The first sample is the representative stack; equal stacks are one sample. ``is_own`` is 0 or 1. In a very deep stack, a
frame whose function says how many frames were left out, and whose other fields are empty, stands for the middle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loopwatch.detection.calls import BlockingCall, StackFrame
from loopwatch.recording.column_values import milliseconds, path_text, text
from loopwatch.recording.paths import shorten
from loopwatch.sources.running import line_of

VERSION = 1
SAMPLES_KEPT = 20
FRAMES_KEPT = 2_000
DEEPEST_STACK = 300
OUTERMOST_KEPT = 100
INNERMOST_KEPT = 200

Frames = tuple[StackFrame, ...]


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """One frame as stored. Lines are 1-based, columns 0-based UTF-8 bytes, 0 where unknown."""

    filename: str
    module: str
    function: str
    lineno: int
    end_lineno: int
    column: int
    end_column: int
    is_own: bool
    source_line: str

    @property
    def name(self) -> str:
        """The qualified name, ``module.qualname``."""
        return f"{self.module}.{self.function}" if self.module else self.function


@dataclass(frozen=True, slots=True)
class StoredSample:
    """A stack, outermost frame first, and the milliseconds of the step it stands for."""

    duration_ms: float
    frames: tuple[StoredFrame, ...]


def encode(call: BlockingCall) -> dict[str, Any]:
    """The stacks of a call, bounded in size. Reads source files: not for the loop's thread."""
    indices: dict[StackFrame, int] = {}
    samples = []
    for frames, duration_ms in _distinct_stacks(call)[:SAMPLES_KEPT]:
        if len(indices) < FRAMES_KEPT:
            stack = [indices.setdefault(frame, len(indices)) for frame in frames]
            samples.append([milliseconds(duration_ms), stack])
    return {"version": VERSION, "frames": [_encode_frame(frame) for frame in indices], "samples": samples}


def decode(stored: object) -> tuple[StoredSample, ...]:
    """The samples of a stored object, the representative stack first.

    What cannot be understood is left out: another version or junk gives an empty tuple, never an exception.
    """
    if not isinstance(stored, Mapping) or stored.get("version") != VERSION:
        return ()
    frames = [_decode_frame(fields) for fields in _sequence(stored.get("frames"))]
    samples = []
    for sample in _sequence(stored.get("samples")):
        match sample:
            case [int() | float() as duration_ms, [*indices]]:
                samples.append(StoredSample(float(duration_ms), _pick(frames, indices)))
    return tuple(samples)


def _distinct_stacks(call: BlockingCall) -> list[tuple[Frames, float]]:
    """Each different stack and its milliseconds: the representative one first, the others longest first."""
    representative = _middle_out(call.stack)
    durations_ms: dict[Frames, float] = {}
    for sample in call.samples:
        frames = _middle_out(sample.frames)
        durations_ms[frames] = durations_ms.get(frames, 0.0) + sample.duration_ms
    own_ms = durations_ms.pop(representative, 0.0 if durations_ms else call.duration_ms)
    others = sorted(durations_ms.items(), key=lambda item: item[1], reverse=True)
    return [(representative, own_ms), *others]


def _middle_out(frames: Frames) -> Frames:
    if len(frames) <= DEEPEST_STACK:
        return frames
    left_out = len(frames) - OUTERMOST_KEPT - INNERMOST_KEPT
    marker = StackFrame(filename="", module="", function=f"… {left_out} frames left out …", lineno=0)
    return (*frames[:OUTERMOST_KEPT], marker, *frames[-INNERMOST_KEPT:])


def _encode_frame(frame: StackFrame) -> list[str | int]:
    return [
        path_text(shorten(frame.filename), 500),
        text(frame.module, 300),
        text(frame.function, 300),
        frame.lineno,
        frame.end_lineno,
        frame.column,
        frame.end_column,
        int(frame.is_own),
        _source_line(frame) if frame.is_own else "",
    ]


def _source_line(frame: StackFrame) -> str:
    try:
        return text(line_of(frame.filename, frame.lineno).strip(), 200)
    except Exception:  # noqa: BLE001 - a file name may be anything, and so may what its loader raises
        return ""


def _decode_frame(fields: object) -> StoredFrame | None:
    match fields:
        case [
            str() as filename,
            str() as module,
            str() as function,
            int() as lineno,
            int() as end_lineno,
            int() as column,
            int() as end_column,
            int() as is_own,
            str() as source_line,
        ]:
            position = (lineno, end_lineno, column, end_column)
            return StoredFrame(filename, module, function, *position, bool(is_own), source_line)
    return None


def _pick(frames: Sequence[StoredFrame | None], indices: Sequence[object]) -> tuple[StoredFrame, ...]:
    known = (frames[index] for index in indices if isinstance(index, int) and 0 <= index < len(frames))
    return tuple(frame for frame in known if frame is not None)


def _sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()
