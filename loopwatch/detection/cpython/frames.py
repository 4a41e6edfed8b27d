"""Reads the stack of a running thread in one piece, from another thread.

The frames of a running thread are valid only as long as the reader keeps the GIL. Two things may make it lose the GIL
in the middle of a walk. The interpreter hands it over between two bytecodes of the reader, so the walk is a single
call, made of C functions only. And before Python 3.12 any allocation may start a garbage collection, whose callbacks
and finalizers run Python code. Then ``f_back`` would read a frame that is gone, and the process would crash. So there
the collector is off for that one call.
"""

import gc
import sys
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from inspect import CO_OPTIMIZED
from itertools import accumulate, chain, compress, islice, repeat, takewhile
from operator import attrgetter, call, contains, eq, is_, methodcaller, truth
from types import CodeType, FrameType
from typing import Any, NamedTuple

from loopwatch.detection.cpython.frame_variables import COPIES_LOCALS, ReadsVariables

MAX_DEPTH = 10_000
KEPT = 8
"""No more frames are kept: if one ends meanwhile, this thread has to destroy what its variables held."""
KEPT_BY_NAME = 16
DEEPEST_BY_NAME = 500
_COLLECTS_WHILE_ALLOCATING = sys.version_info < (3, 12)
_standing = attrgetter("f_code", "f_lasti", "f_globals", "f_trace")
_function, _qualified_name = attrgetter("f_code.co_name"), attrgetter("f_code.co_qualname")
_caller = attrgetter("f_back")


class Standing(NamedTuple):
    """The place where a frame stood, and its trace function, which may be a mark of ``frame_marks``."""

    code: CodeType
    offset: int
    namespace: dict[str, Any]
    trace: Any = None


class Stack(NamedTuple):
    """A thread's stack, innermost frame first.

    ``innermost`` are the first few of its frames themselves, ``named`` the first few of functions of one name, and
    ``outermost`` is the last of functions of other names, if there is one. ``variables`` are the ids of the objects
    that the innermost frame's own variables refer to, ``None`` if the frame was not asked for them.
    """

    standing: list[Standing]
    innermost: list[FrameType]
    named: list[FrameType]
    outermost: FrameType | None = None
    variables: tuple[int, ...] | None = None


def stack_of(thread_id: int, name: str, *outermost_names: str) -> Stack:
    """Return the stack of a thread as it is at this moment; empty if there is no such thread.

    The frames of functions called ``name``, and the outermost one of those called by the other names, are returned
    too, unless the stack is very deep.
    """
    standing: list[tuple[CodeType, int, dict[str, Any], Any]] = []
    innermost: list[FrameType] = []
    named: list[FrameType] = []
    outermost: deque[FrameType] = deque(maxlen=1)
    walk, *walks = (outward(islice(chain(innermost, (None,)), 1)) for _ in range(5))
    variables = ReadsVariables(innermost)
    at_once(
        partial(innermost.extend, islice(outward(innermost_frame(thread_id)), KEPT)),
        *variables.steps,
        partial(standing.extend, map(_standing, walk)),
        partial(named.extend, islice(_called({name}, *walks[:2]), KEPT_BY_NAME)),
        partial(outermost.extend, _called({*outermost_names}, *walks[2:])),
    )
    stands = [Standing(*each) for each in standing]
    is_outermost = len(stands) <= DEEPEST_BY_NAME
    return Stack(stands, innermost, named, next(iter(outermost), None) if is_outermost else None, variables.ids())


def locals_of(frame: FrameType) -> dict[str, Any]:
    """Return the local variables of a frame that another thread may be running."""
    found: list[dict[str, Any]] = []
    at_once(partial(found.extend, map(attrgetter("f_locals"), (frame,))))
    return found[0]


def forget_locals(frame: FrameType, copied: dict[str, Any]) -> None:
    """Empty what ``locals_of`` returned, unless the frame's thread may be about to read it.

    Before Python 3.13 a function's ``f_locals`` is a copy that the frame keeps, with all it refers to, until it ends.
    The interpreter copies the variables there before it calls a profile function written in Python, and back
    afterwards. Meanwhile the thread stands in that function, not in the frame.
    """
    if not (COPIES_LOCALS and frame.f_code.co_flags & CO_OPTIMIZED):
        return
    running = map(methodcaller("values"), map(call, (sys._current_frames,)))  # noqa: SLF001
    if_it_stands_there = compress((copied,), map(contains, running, (frame,)))
    at_once(partial(deque, map(dict.clear, if_it_stands_there), 0))


def forget_locals_of_caller(thread_id: int, frame: FrameType, called: str, copied: dict[str, Any]) -> None:
    """Empty what ``locals_of`` returned if the frame is calling the function of that qualified name.

    ``forget_locals`` leaves such a frame alone, but an executor's thread stays in one frame until it ends. While the
    thread is in that function, it is not in a profile function that the interpreter has called for the frame.
    """
    if not (COPIES_LOCALS and frame.f_code.co_flags & CO_OPTIMIZED):
        return
    frames: list[FrameType] = []
    inward = compress(frames, map(is_, map(_caller, frames), repeat(frame)))
    if_it_is_called = compress(repeat(copied), map(eq, map(_qualified_name, inward), repeat(called)))
    at_once(
        partial(frames.extend, outward(innermost_frame(thread_id))),
        partial(deque, map(dict.clear, if_it_is_called), 0),
        frames.clear,
    )


def _called(names: set[str], frames: Iterator[FrameType], again: Iterator[FrameType]) -> Iterator[FrameType]:
    """Yield the frames of functions of these names, from two walks along the same stack."""
    return compress(frames, islice(map(contains, repeat(names), map(_function, again)), DEEPEST_BY_NAME))


def innermost_frame(thread_id: int) -> Iterator[FrameType | None]:
    """Yield the frame that a thread is running, once asked for it; ``None`` if there is no such thread."""
    return map(methodcaller("get", thread_id), map(call, (sys._current_frames,)))  # noqa: SLF001


def outward(first: Iterator[FrameType | None]) -> Iterator[FrameType]:
    """Yield a frame and its callers, for use by ``at_once``."""
    steps: Iterator[Any] = chain(first, repeat("f_back", MAX_DEPTH - 1))
    return takewhile(truth, accumulate(steps, getattr))


def at_once(*functions: Callable[[], object]) -> None:
    """Call C functions one after the other, without releasing the GIL in between."""
    if not _COLLECTS_WHILE_ALLOCATING or not gc.isenabled():
        deque(map(call, functions), maxlen=0)
        return
    try:
        deque(map(call, (gc.disable, *functions, gc.enable)), maxlen=0)
    except BaseException:
        gc.enable()
        raise
