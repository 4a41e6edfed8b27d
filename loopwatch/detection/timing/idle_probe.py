"""Finds out when a loop is idle: it has polled its selector, found nothing, and has nothing else to run.

Neither asyncio nor uvloop says so, but a callback that schedules itself runs once in every iteration. If no step has
begun since it last ran, the iteration between had nothing to do.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from inspect import unwrap
from typing import Any, Protocol

from loopwatch.detection.machine.clock import now

QUIET_ITERATIONS = 2
"""uvloop accepts connections outside of any step, and tells their protocols in the iteration that follows."""


class StepTimes(Protocol):
    """Knows when the latest step of a loop began."""

    started: float


class IdleProbe(asyncio.Handle):
    """Calls ``on_idle`` on the loop's thread once the loop is idle, or at ``until`` if it is busy until then.

    It is not a step, and takes about a microsecond in each iteration. The loop polls without waiting meanwhile.
    """

    __slots__ = ("_on_idle", "_quiet", "_seen", "_times", "_until")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, times: StepTimes, until: float, on_idle: Callable[[], object]
    ) -> None:
        super().__init__(self._run, (), loop, Context())
        self._times = times
        self._until = until
        self._on_idle = on_idle
        self._seen = times.started
        self._quiet = 0

    def schedule(self) -> None:
        """Run in the next iteration, untimed. Raises what the loop raises."""
        loop: Any = self._loop  # type: ignore[attr-defined]
        if isinstance(loop, asyncio.BaseEventLoop):
            # What ``call_soon()`` does with the handle that it makes; the stopwatch times ``Handle._run``, not this
            # class's: https://github.com/python/cpython/blob/3.13/Lib/asyncio/base_events.py#L1932
            loop._add_callback(self)  # type: ignore[attr-defined] # noqa: SLF001
        else:
            unwrap(type(loop).call_soon)(loop, self._run)

    def _run(self) -> None:
        started = self._times.started
        self._quiet = self._quiet + 1 if started == self._seen else 0
        self._seen = started
        if self._quiet >= QUIET_ITERATIONS or now() >= self._until:
            self._on_idle()
        else:
            self.schedule()
