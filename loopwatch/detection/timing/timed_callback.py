"""The path of every callback on a loop that is not asyncio's own: how it is scheduled, and how it is timed.

``compiled.c`` is the same in C, for builds that find a compiler (``hot_path``). Whoever changes one changes the other:
``make test`` runs the tests of the stopwatch with both.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from types import CodeType, FunctionType
from typing import Any

from loopwatch.detection.cpython.sites import runs_steps
from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.timing.steps import ClockOf, StepObserver, begin_step


def _inside(function: Any, *names: str) -> tuple[CodeType, ...]:
    """Return the code of functions that another function defines, as far as this Python has them."""
    constants = getattr(getattr(function, "__code__", None), "co_consts", ())
    return tuple(each for each in constants if getattr(each, "co_name", "") in names)


# Most callbacks of a request that waits for a thread are these. They only pass a result on, so none can take long.
# Source: Lib/asyncio/futures.py and tasks.py.
QUICK = (
    *_inside(vars(asyncio.futures).get("_chain_future"), "_call_check_cancel"),
    *_inside(asyncio.shield, "_inner_done_callback", "_outer_done_callback"),
    *_inside(vars(asyncio.tasks).get("_wait"), "_on_completion"),
)
_QUICK_IDS = {id(code) for code in QUICK}


class TimedCallback:
    """A callback that is a step. It has the attributes of a handle, and takes its place.

    ``__init__`` would cost each callback of the loop a call, so ``timed`` and ``schedules_soon`` set the attributes. If
    the callback is called without arguments, ``_args`` are its arguments: to pass them through the loop takes twice as
    long. As a call returns, it forgets itself and the arguments, for the reason that ``stopwatch`` gives.
    """

    __slots__ = ("_args", "_callback", "_context", "clock", "clock_of", "due_at", "loop")

    _callback: Callable[..., Any]
    _args: tuple[Any, ...]
    _context: Context | None
    loop: asyncio.AbstractEventLoop
    clock_of: ClockOf
    clock: StepObserver | None
    due_at: float

    @runs_steps
    def __call__(self, *args: Any) -> Any:
        clock, args = self.clock, args or self._args
        if clock is None or clock.owner is None:  # made before the loop was watched, or was watched again
            clock = self.clock = self.clock_of(self.loop)
            if clock is None:
                try:
                    return self._callback(*args)
                finally:
                    del self, args
        outer = clock.handle
        if outer is not None and clock.wants_step_begin is not True:  # called by a step, not by the loop
            try:
                return self._callback(*args)
            finally:
                del self, args
        clock.handle = self
        started = clock.started = now()
        gap_from_s = clock.gap_from_s
        if clock.wants_step_begin or started - clock.ended >= gap_from_s or started - self.due_at >= gap_from_s:
            outer = begin_step(clock, outer)
        try:
            # Most callbacks have one argument; unpacking it would take longer.
            return self._callback(args[0]) if len(args) == 1 else self._callback(*args)
        finally:
            ended = now()
            try:
                if ended - clock.started >= clock.ends_from_s:
                    clock.end_step(self, clock.started, ended)
            finally:  # a signal handler may raise meanwhile
                clock.handle = outer
                clock.ended = ended
            del self, args

    def __repr__(self) -> str:
        """Return the ``repr`` of the callback, because the loop logs it with what the callback raised."""
        return repr(self._callback)


# The compiled form calls a step through these, so that stacks and tracebacks are those of the form in Python.


@runs_steps
def run_step(callback: Callable[[], Any]) -> Any:
    try:
        return callback()
    finally:
        del callback


@runs_steps
def run_step_with(callback: Callable[..., Any], *args: Any) -> Any:
    try:
        return callback(*args)
    finally:
        del callback, args


def timed(
    callback: Callable[..., Any],
    context: Context | None,
    loop: asyncio.AbstractEventLoop,
    clock_of: ClockOf,
    due_at: float = NEVER,
    args: tuple[Any, ...] = (),
) -> TimedCallback:
    """Return a callback that times itself. It looks its clock up when it is called."""
    made = TimedCallback()
    made._callback = callback  # noqa: SLF001
    made._args = args  # noqa: SLF001
    made._context = context  # noqa: SLF001
    made.loop = loop
    made.clock_of = clock_of
    made.clock = None
    made.due_at = due_at
    return made


def schedules_soon(method: Any, clock_of: ClockOf) -> Any:
    """Return what replaces a method of a loop's class that schedules a callback for the loop's next turn.

    Most callbacks are scheduled by it, so it is written out.
    """
    is_threadsafe = method.__name__ == "call_soon_threadsafe"
    latest: StepObserver | None = None

    def schedule(loop: Any, callback: Any, *args: Any, context: Context | None = None) -> Any:
        nonlocal latest
        clock = latest
        if clock is None or clock.owner is not loop:
            clock = clock_of(loop)
            if clock is None:
                return method(loop, callback, *args, context=context)
            latest = clock
        if type(callback) is FunctionType and id(callback.__code__) in _QUICK_IDS and len(args) == 1:
            return method(loop, callback, args[0], context=context)
        made = TimedCallback()
        made._callback = callback  # noqa: SLF001
        made._args = args  # noqa: SLF001
        made._context = context = copy_context() if context is None else context  # noqa: SLF001
        made.loop = loop
        made.clock_of = clock_of
        made.clock = clock
        # The step that schedules it ends first, so the beginning of that step will do: no pause gets longer by it.
        made.due_at = now() if is_threadsafe or clock.handle is None else clock.started
        return method(loop, made, context=context)

    return schedule
