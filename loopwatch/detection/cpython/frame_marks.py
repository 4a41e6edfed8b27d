"""Marks the frames of a step, so that samples tell one call of a function from the next.

The address of a frame does not: CPython gives the memory of a frame that has ended to the next one. And a frame cannot
be kept to compare it, because it would keep its variables alive. So each frame gets a mark that says in which sample it
was first seen. The mark is put where debuggers put a frame's own trace function, ``f_trace``, which the interpreter
only calls in a thread that is being traced:
https://github.com/python/cpython/blob/v3.13.0/Python/sysmodule.c (``trace_trampoline``)

Only frames that end with the step are marked: those of plain functions, inward of the frame in which loopwatch calls
the step. Generators and coroutines may outlive the step.
"""

from collections import deque
from collections.abc import Container
from functools import partial
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from itertools import compress, count, cycle, islice, repeat, takewhile
from operator import and_, attrgetter, contains, is_, lt, not_, truth
from types import FrameType

from loopwatch.detection.cpython.frames import at_once, innermost_frame, outward

DEEPEST = 500
OUTLIVES_STEP = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
_numbers = count(1)
_code, _flags, _trace = attrgetter("f_code"), attrgetter("f_code.co_flags"), attrgetter("f_trace")


class FrameMark:
    """A trace function that does nothing, in case a debugger begins to trace the thread: it then gets the events."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = next(_numbers)

    def __call__(self, *_event: object) -> None:
        return None


def mark_frames(thread_id: int, runners: Container[int]) -> None:
    """Mark the frames of a thread's step that have no mark yet.

    ``runners`` has the ids of the code objects that call steps: a plain dictionary or set, because asking anything else
    might run Python code. Without one of them among the innermost frames, nothing is marked.
    """
    frames: list[FrameType] = []
    are_runners = (map(contains, repeat(runners), map(id, map(_code, frames))) for _ in range(2))
    in_step = cycle(map(any, (next(are_runners),)))
    inward = takewhile(truth, map(not_, next(are_runners)))
    outlive = map(and_, map(_flags, frames), repeat(OUTLIVES_STEP))
    unmarked = map(is_, map(_trace, frames), repeat(None))
    chosen = map(and_, map(and_, in_step, inward), map(lt, outlive, unmarked))  # 0 < True
    at_once(
        partial(frames.extend, islice(outward(innermost_frame(thread_id)), DEEPEST)),
        partial(deque, map(setattr, compress(frames, chosen), repeat("f_trace"), repeat(FrameMark())), 0),
        frames.clear,
    )


def number_of(trace: object) -> int | None:
    """Return the number of a mark; ``None`` for anything else. Frames first seen at the same time have the same one."""
    return trace.number if type(trace) is FrameMark else None


def is_traced(frame: FrameType) -> bool:
    """Return whether a debugger, or the like, traces the frame."""
    return frame.f_trace is not None and type(frame.f_trace) is not FrameMark
