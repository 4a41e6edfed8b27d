"""Times the steps of loops that are not asyncio's own, such as uvloop's.

These loops run no Python ``Handle``, but all callbacks are scheduled through methods of the loop's class, which tasks
written in C call too. Each callback is replaced by one that times itself, and each method of a protocol likewise.
Callbacks that were scheduled before the loop's class was first seen stay untimed.
"""

import asyncio
import functools
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from types import FunctionType
from typing import Any

from loopwatch.detection.cpython.sites import runs_steps
from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.timing.due import noting_run
from loopwatch.detection.timing.replacements import Replacements
from loopwatch.detection.timing.steps import ClockOf, StepObserver, begin_step

_SOON, _LATER = ("call_soon", "call_soon_threadsafe"), ("call_later", "call_at")
_HANDLER_METHODS = ("add_reader", "add_writer", "add_signal_handler")
_PROTOCOL_METHODS = (
    *("create_server", "create_connection", "create_unix_server", "create_unix_connection"),
    *("create_datagram_endpoint", "connect_read_pipe", "connect_write_pipe", "subprocess_exec", "subprocess_shell"),
    "connect_accepted_socket",
)
_PROTOCOL_CALLBACKS = (
    *("connection_made", "connection_lost", "data_received", "eof_received", "buffer_updated", "datagram_received"),
    *("error_received", "pause_writing", "resume_writing", "pipe_data_received", "pipe_connection_lost"),
    "process_exited",
)


def _inside(function: Any, *names: str) -> set[int]:
    """Return the ids of the code of functions that another function defines, as far as this Python has them."""
    constants = getattr(function, "__code__", None)
    return {id(each) for each in getattr(constants, "co_consts", ()) if getattr(each, "co_name", "") in names}


# Most callbacks of a request that waits for a thread are these. They only pass a result on, so none can take long.
# Source: Lib/asyncio/futures.py and tasks.py.
_QUICK = (
    _inside(vars(asyncio.futures).get("_chain_future"), "_call_check_cancel")
    | _inside(asyncio.shield, "_inner_done_callback", "_outer_done_callback")
    | _inside(vars(asyncio.tasks).get("_wait"), "_on_completion")
)


class TimedCallback:
    """A callback that is a step. It has the attributes of a handle, and takes its place.

    Whoever makes one sets the attributes. ``__init__`` would cost each callback of the loop a call. If the callback is
    called without arguments, ``_args`` are its arguments: to pass them through the loop takes twice as long. As a call
    returns, it forgets itself and the arguments, for the reason that ``stopwatch`` gives.
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
            if ended - clock.started >= clock.ends_from_s:
                clock.end_step(self, clock.started, ended)
            clock.handle = outer
            clock.ended = ended
            del self, args

    def __repr__(self) -> str:
        """Return the ``repr`` of the callback, because the loop logs it with what the callback raised."""
        return repr(self._callback)


def _timed(
    callback: Callable[..., Any],
    context: Context | None,
    loop: asyncio.AbstractEventLoop,
    clock_of: ClockOf,
    due_at: float = NEVER,
) -> TimedCallback:
    timed = TimedCallback()
    timed._callback = callback  # noqa: SLF001
    timed._args = ()  # noqa: SLF001
    timed._context = context  # noqa: SLF001
    timed.loop = loop
    timed.clock_of = clock_of
    timed.clock = None
    timed.due_at = due_at
    return timed


class LoopMethods:
    """Replaces the scheduling methods of one loop class, and puts them back."""

    def __init__(self, loop_class: Any, clock_of: ClockOf) -> None:
        self._loop_class = loop_class
        self._clock_of = clock_of
        self._replacements = Replacements()

    def install(self) -> bool:
        """Replace the methods. Returns false if the class, such as one written in C, does not allow that."""
        try:
            for name in _SOON:
                self._replace(name, self._calling_soon(getattr(self._loop_class, name)))
            for name in _LATER:
                self._replace(name, self._calling_later(getattr(self._loop_class, name)))
            for name in _HANDLER_METHODS:
                self._replace(name, self._handling(getattr(self._loop_class, name)))
            self._replace("run_forever", noting_run(self._loop_class.run_forever, self._clock_of))
            self._replace("call_exception_handler", self._calling(self._loop_class.call_exception_handler))
            for name in _PROTOCOL_METHODS:
                if hasattr(self._loop_class, name):
                    self._replace(name, self._connecting(getattr(self._loop_class, name)))
        except (TypeError, AttributeError):
            self.uninstall()
            return False
        return True

    def uninstall(self) -> None:
        """Restore the methods. A wrapper that other code has since put around one passes everything on untimed."""
        self._replacements.restore()

    def _replace(self, name: str, replacement: Any) -> None:
        self._replacements.replace(self._loop_class, name, replacement)

    def _calling_soon(self, method: Any) -> Any:
        """Written out, because most callbacks are scheduled by it."""
        clock_of, is_threadsafe = self._clock_of, method.__name__ == "call_soon_threadsafe"
        latest: StepObserver | None = None

        @functools.wraps(method)
        def schedule(loop: Any, callback: Any, *args: Any, context: Context | None = None) -> Any:
            nonlocal latest
            clock = latest
            if clock is None or clock.owner is not loop:
                clock = clock_of(loop)
                if clock is None:
                    return method(loop, callback, *args, context=context)
                latest = clock
            if type(callback) is FunctionType and id(callback.__code__) in _QUICK and len(args) == 1:
                return method(loop, callback, args[0], context=context)
            timed = TimedCallback()
            timed._callback = callback  # noqa: SLF001
            timed._args = args  # noqa: SLF001
            timed._context = context = copy_context() if context is None else context  # noqa: SLF001
            timed.loop = loop
            timed.clock_of = clock_of
            timed.clock = clock
            # The step that schedules it ends first, so the beginning of that step will do: no pause gets longer by it.
            timed.due_at = now() if is_threadsafe or clock.handle is None else clock.started
            return method(loop, timed, context=context)

        return schedule

    def _calling_later(self, method: Any) -> Any:
        """Written out, because servers set a timer after each request, which closes an idle connection."""
        clock_of, has_delay = self._clock_of, method.__name__ == "call_later"

        @functools.wraps(method)
        def schedule(loop: Any, *args: Any, context: Context | None = None, **named: Any) -> Any:
            if clock_of(loop) is None:
                return method(loop, *args, context=context, **named)
            if context is None:
                context = copy_context()
            if len(args) > 1:
                due_at = _from_now(args[0], 0.0 if has_delay else loop.time())
                timed = _timed(args[1], context, loop, clock_of, due_at)
                timed._args = args[2:]  # noqa: SLF001
                if not named:
                    return method(loop, args[0], timed, context=context)
                args = args[0], timed
            elif "callback" in named:
                named["callback"] = _timed(named["callback"], context, loop, clock_of)
            return method(loop, *args, context=context, **named)

        return schedule

    def _handling(self, method: Any) -> Any:
        clock_of = self._clock_of

        @functools.wraps(method)
        def handle(loop: Any, *args: Any, **named: Any) -> Any:
            if len(args) > 1:
                args = (args[0], _timed(args[1], copy_context(), loop, clock_of), *args[2:])
            elif "callback" in named:
                named["callback"] = _timed(named["callback"], copy_context(), loop, clock_of)
            return method(loop, *args, **named)

        return handle

    def _calling(self, method: Any) -> Any:
        """Time a method that the loop calls between two steps, as a step."""
        clock_of = self._clock_of

        @functools.wraps(method)
        def call(loop: Any, *args: Any, **named: Any) -> Any:
            return _timed(functools.partial(method, loop, *args, **named), None, loop, clock_of)()

        return call

    def _connecting(self, method: Any) -> Any:
        clock_of = self._clock_of

        @functools.wraps(method)
        def connect(loop: Any, protocol_factory: Any, *args: Any, **kwargs: Any) -> Any:
            return method(loop, lambda: _timed_protocol(protocol_factory(), loop, clock_of), *args, **kwargs)

        return connect


def _from_now(delay: Any, since: float) -> float:
    """Return when a delay, any number such as a ``Decimal``, is over. The loop refuses anything else.

    uvloop's handles do not say it. A callback is not due before it is scheduled, even if its delay is negative.
    """
    try:
        delay_s = float(delay) - since
        return now() + delay_s if delay_s > 0 else now()
    except (TypeError, ValueError, OverflowError):
        return NEVER


def _timed_protocol(protocol: Any, loop: Any, clock_of: ClockOf) -> Any:
    with suppress(Exception):  # a protocol that takes no attributes, such as one with slots, cannot be timed
        for name in _PROTOCOL_CALLBACKS:
            callback = getattr(protocol, name, None)
            if isinstance(callback, TimedCallback):  # a client connects again with the same protocol
                callback = callback._callback  # noqa: SLF001
            if callback is not None:
                setattr(protocol, name, _timed(callback, None, loop, clock_of))
    return protocol
