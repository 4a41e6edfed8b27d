"""Knows when a step was due, so that a loop that comes late to it is noticed.

A timer says so itself. What another thread schedules is due at that moment, which asyncio does not keep; so
``call_soon_threadsafe`` is replaced while loops are watched. A step that a socket has made ready was due at a moment
that only the kernel knows. Nothing is due while nobody runs the loop, as between two calls of
``run_until_complete()``.
"""

import asyncio
import functools
import sys
from asyncio.events import TimerHandle
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from types import FrameType
from typing import Any

from loopwatch.detection.cpython.sites import runs_steps
from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.timing.replacements import Replacements
from loopwatch.detection.timing.steps import AnyHandle, StepObserver


def due_at(
    handle: AnyHandle | None, loop: asyncio.AbstractEventLoop | None, started: float, ended_before: float
) -> float:
    """Return when a step that began at ``started`` was due; ``NEVER`` if its handle does not say so.

    A timer was not due before the latest step had ``ended_before``: that may have set it for a moment in the past.
    """
    if isinstance(handle, TimerHandle) and loop is not None:
        return max(ended_before, started - (loop.time() - TimerHandle.when(handle)))  # the loop may have its own clock
    with suppress(Exception):  # the class of the handle may be the site's
        due: float = getattr(handle, "due_at", NEVER)
        return due
    return NEVER


_TURN = getattr(vars(asyncio.BaseEventLoop).get("_run_once"), "__code__", None)
"""The code of a turn of asyncio's own loops, which waits in the selector, and then runs the steps that are ready."""
_FRAMES_OF_HOOKS = 6
_READY_LOOKED_AT = 1000


def due_in_turn(loop: asyncio.AbstractEventLoop | None, ended: float) -> float:
    """Return when the loop was to run a step after one that ``ended``, as of the first step that followed it.

    The turn knows when the selector returned, and whether it was to wait there at all. A timer that is ready says when
    it was due, if that was not before the latest step ended. ``NEVER`` on other loops than asyncio's own.
    Source: Lib/asyncio/base_events.py, ``BaseEventLoop._run_once``.
    """
    if not isinstance(loop, asyncio.BaseEventLoop):
        return NEVER
    turn = _variables_of_turn()
    if not turn:
        return NEVER
    due = ended if turn.get("timeout") == 0 else NEVER
    # Threads may add to it meanwhile. Without a GIL, a copy is atomic only if one call makes it.
    ready = islice(getattr(loop, "_ready", deque()).copy(), _READY_LOOKED_AT)
    timers = (handle for handle in ready if type(handle) is TimerHandle)
    moments = [timer.when() for timer in islice(timers, 1)]  # they are ready in the order in which they were due
    if isinstance(returned := turn.get("end_time"), int | float):
        moments.append(returned)
    at, loop_at = now(), loop.time()
    return max(ended, min((due, *(at - (loop_at - moment) for moment in moments))))


def _variables_of_turn() -> dict[str, Any]:
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the frames of the hooks, and the turn that has called them
    for _ in range(_FRAMES_OF_HOOKS):
        if frame is None:
            break
        if frame.f_code is _TURN:
            return frame.f_locals
        frame = frame.f_back
    return {}


def noting_run(method: Any, observer_of: Callable[[asyncio.AbstractEventLoop], StepObserver | None]) -> Any:
    """Return a loop's method ``run_forever`` that notes when the loop begins to run: it was late for nothing before."""

    @functools.wraps(method)
    @runs_steps
    def run_forever(loop: asyncio.AbstractEventLoop) -> Any:
        observer = observer_of(loop)
        if observer is not None:
            observer.ended = now()
        return method(loop)

    return run_forever


class LoopCalls:
    """Notes when one of asyncio's own loops begins to run, and when another thread wakes it, while it is installed."""

    def __init__(self, observer_of: Callable[[asyncio.AbstractEventLoop], StepObserver | None]) -> None:
        self._observer_of = observer_of
        self._replacements = Replacements()
        self._is_installed = False

    def install(self) -> None:
        if not self._is_installed:
            self._is_installed = True
            method = asyncio.BaseEventLoop.call_soon_threadsafe
            self._replacements.replace(asyncio.BaseEventLoop, method.__name__, self._noting(method))
            run_forever = noting_run(asyncio.BaseEventLoop.run_forever, self._observer_of)
            self._replacements.replace(asyncio.BaseEventLoop, "run_forever", run_forever)

    def uninstall(self) -> None:
        self._replacements.restore()
        self._is_installed = False

    def _noting(self, method: Any) -> Any:
        observer_of = self._observer_of

        @functools.wraps(method)
        def call_soon_threadsafe(loop: asyncio.AbstractEventLoop, *args: Any, **named: Any) -> Any:
            observer = observer_of(loop)
            # Only the first call matters: the loop has rested until then, and calls ``on_step_begin`` next.
            if observer is None or observer.wants_step_begin is not True or observer.woken_at != NEVER:
                return method(loop, *args, **named)
            observer.woken_at = now()
            try:
                return method(loop, *args, **named)
            except BaseException:  # refused: the loop rests on
                observer.woken_at = NEVER
                raise

        return call_soon_threadsafe
