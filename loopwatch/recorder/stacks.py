"""Encodes the stacks of one stall for the column ``BlockingEvent.stacks`` (see ``loopwatch.rows.stacks``)."""

from typing import Any

from loopwatch.detection.calls import BlockingCall, StackFrame
from loopwatch.recorder.column_values import integer, milliseconds, path_text, text
from loopwatch.recorder.paths import shorten
from loopwatch.rows.stacks import VERSION
from loopwatch.sources.running import line_of

SAMPLES_KEPT = 20
THREADS_KEPT = 20
FRAMES_KEPT = 2_000
DEEPEST_STACK = 300
OUTERMOST_KEPT = 100
INNERMOST_KEPT = 200

Frames = tuple[StackFrame, ...]


def encode(call: BlockingCall) -> dict[str, Any]:
    """Encode the stacks of a call, limited in size. Reads source files, so never call it on the loop's thread."""
    indices: dict[StackFrame, int] = {}
    samples = []
    for frames, duration_ms in _distinct_stacks(call)[:SAMPLES_KEPT]:
        if len(indices) < FRAMES_KEPT:
            stack = [indices.setdefault(frame, len(indices)) for frame in frames]
            samples.append([milliseconds(duration_ms), stack])
    threads = []
    for thread in call.other_threads[:THREADS_KEPT]:
        if len(indices) < FRAMES_KEPT:
            stack = [indices.setdefault(frame, len(indices)) for frame in thread.frames]
            threads.append([integer(thread.count), stack])
    kept = {"threads": threads} if threads else {}
    return {"version": VERSION, "frames": [_encode_frame(frame) for frame in indices], "samples": samples} | kept


def _distinct_stacks(call: BlockingCall) -> list[tuple[Frames, float]]:
    """Return each different stack and its milliseconds: the representative stack first, the others longest first."""
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
        integer(frame.lineno),
        integer(frame.end_lineno),
        integer(frame.column),
        integer(frame.end_column),
        int(frame.is_in_app),
        _source_line(frame) if frame.is_in_app else "",
    ]


def _source_line(frame: StackFrame) -> str:
    try:
        return text(line_of(frame.filename, frame.lineno).strip(), 200)
    except Exception:  # noqa: BLE001 - a file name may be anything, and its loader may raise anything
        return ""
