"""Times the steps of loops that are not asyncio's own, such as uvloop's.

These loops run no Python ``Handle``, but all callbacks are scheduled through methods of the loop's class, which tasks
written in C call too. Each callback is replaced by one that times itself, and each method of a protocol likewise.
Callbacks that were scheduled before the loop's class was first seen stay untimed.
"""

import functools
import inspect
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any

from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.timing.due import noting_run
from loopwatch.detection.timing.hot_path import TimedCallback, schedules_soon, timed
from loopwatch.detection.timing.replacements import Replacements
from loopwatch.detection.timing.steps import ClockOf

_SOON, _LATER = ("call_soon", "call_soon_threadsafe"), ("call_later", "call_at")
_HANDLER_METHODS = ("add_reader", "add_writer", "add_signal_handler")
_PROTOCOL_METHODS = (
    *("create_server", "create_connection", "create_unix_server", "create_unix_connection"),
    *("create_datagram_endpoint", "connect_read_pipe", "connect_write_pipe", "subprocess_exec", "subprocess_shell"),
    "connect_accepted_socket",
)
_PROTOCOL_CALLBACKS = (
    *("connection_made", "data_received", "eof_received", "buffer_updated", "datagram_received", "error_received"),
    *("pause_writing", "resume_writing", "pipe_data_received", "pipe_connection_lost", "process_exited"),
    _LAST := "connection_lost",
)


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
                method = getattr(self._loop_class, name)
                self._replace(name, functools.update_wrapper(schedules_soon(method, self._clock_of), method))
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
                step = timed(args[1], context, loop, clock_of, due_at, args[2:])
                if not named:
                    return method(loop, args[0], step, context=context)
                args = args[0], step
            elif "callback" in named:
                named["callback"] = timed(named["callback"], context, loop, clock_of)
            return method(loop, *args, context=context, **named)

        return schedule

    def _handling(self, method: Any) -> Any:
        clock_of = self._clock_of

        def step(callback: Any, loop: Any) -> Any:
            is_refused = inspect.iscoroutinefunction(callback)  # by the loop, if it is passed on as it is
            return callback if is_refused else timed(callback, copy_context(), loop, clock_of)

        @functools.wraps(method)
        def handle(loop: Any, *args: Any, **named: Any) -> Any:
            if len(args) > 1:
                args = (args[0], step(args[1], loop), *args[2:])
            elif "callback" in named:
                named["callback"] = step(named["callback"], loop)
            return method(loop, *args, **named)

        return handle

    def _calling(self, method: Any) -> Any:
        """Time a method that the loop calls between two steps, as a step."""
        clock_of = self._clock_of

        @functools.wraps(method)
        def call(loop: Any, *args: Any, **named: Any) -> Any:
            return timed(functools.partial(method, loop, *args, **named), None, loop, clock_of)()

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
        _untime(protocol)  # a client may connect again with the same protocol
        for name in _PROTOCOL_CALLBACKS:
            callback = getattr(protocol, name, None)
            if callback is not None:
                step = timed(callback, None, loop, clock_of)
                setattr(protocol, name, functools.partial(_lose, protocol, step) if name == _LAST else step)
    return protocol


def _lose(protocol: Any, connection_lost: TimedCallback, *args: Any) -> Any:
    """Run the last step of a protocol. If that kept its timed methods, only the garbage collector could free it."""
    try:
        return connection_lost(*args)
    finally:
        with suppress(Exception):
            _untime(protocol)


def _untime(protocol: Any) -> None:
    attributes = vars(protocol)
    for name in _PROTOCOL_CALLBACKS:
        step = attributes.get(name)
        if type(step) is functools.partial and step.func is _lose:
            step = step.args[1]
        if isinstance(step, TimedCallback):
            delattr(protocol, name)
            if getattr(protocol, name, None) != step._callback:  # noqa: SLF001 - it was an attribute before, too
                setattr(protocol, name, step._callback)  # noqa: SLF001
