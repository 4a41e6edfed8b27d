"""``recording()``: records the loops of a program that no ASGI server runs, as ``LoopWatch`` does those of a server."""

import functools
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from asgiref.sync import iscoroutinefunction

from loopwatch import site_monitor
from loopwatch.beside_the_loop import beside_the_loop
from loopwatch.detection.timing.in_flight import RequestInFlight, current_request
from loopwatch.open_programs import OpenProgram
from loopwatch.process_exit import Termination

Function = TypeVar("Function", bound=Callable[..., Any])


class Recording:
    """A block whose loops are recorded under a name; a decorator that opens such a block for each call."""

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"recording() takes the name of a program as a string, not {name!r}")
        if not name.strip():
            raise ValueError('recording() takes the name of a program, such as "bot", not an empty one')
        self._name = name
        self._program: OpenProgram | None = None
        self._outer: RequestInFlight | None = None
        self._termination = Termination(site_monitor.stop, site_monitor.STOP_TIMEOUT_S)

    def __enter__(self) -> Self:
        if self._program is not None:
            raise RuntimeError(f"This block of recording({self._name!r}) is open already: call recording() again")
        self._program = OpenProgram.here(self._name)
        self._outer = current_request.get()
        current_request.set(self._program.in_flight)
        if site_monitor.enter(self._program):
            self._termination.install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if (program := self._end()) is not None:
                site_monitor.leave(program)
        finally:
            self._termination.uninstall()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if (program := self._end()) is not None and not await beside_the_loop(site_monitor.leave, program):
                site_monitor.forget(program)
        finally:  # the block may be cancelled while it waits
            self._termination.uninstall()

    def __call__(self, function: Function) -> Function:
        """Record each call of a function or coroutine function."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"recording() cannot decorate the generator function {function.__qualname__}, whose code runs after the"
                " call. Use recording() as a block around the loop that consumes it."
            )
        if iscoroutinefunction(function):

            @functools.wraps(function)
            async def recorded_coroutine(*args: Any, **named: Any) -> Any:
                async with Recording(self._name):
                    return await function(*args, **named)

            return cast("Function", recorded_coroutine)

        @functools.wraps(function)
        def recorded(*args: Any, **named: Any) -> Any:
            with Recording(self._name):
                return function(*args, **named)

        return cast("Function", recorded)

    def _end(self) -> OpenProgram | None:
        """End the block for the code around it. What it has recorded is not written yet."""
        program, self._program = self._program, None
        if program is not None:
            program.in_flight.finish()
            current_request.set(self._outer)
        return program


def recording(*, name: str) -> Recording:
    """Record the event loops that run in the block, in the store that the site's server uses.

    ``with recording(name="bot"):`` stands around ``asyncio.run()``, ``async with`` in a coroutine. As a decorator it
    records each call of a function or coroutine function. Stalls are stored under the name, where those of a server
    have a route. When the block ends, or ``SIGTERM`` is to end the process, everything is written, for which the
    process waits up to 5 s; then nothing of loopwatch is left behind.

    Django must be set up, and the settings ``LOOPWATCH`` apply. If loopwatch cannot record, the log says why, and the
    block runs all the same. Raises ``TypeError`` or ``ValueError`` for a name that is no string, or empty.
    """
    return Recording(name)
