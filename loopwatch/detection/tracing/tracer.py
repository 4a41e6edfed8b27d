"""What a tracer is, whichever of the interpreter's means it uses."""

from collections.abc import Iterable
from types import CodeType
from typing import Protocol

from loopwatch.detection.timing.loop_clock import LoopClock


class TracingUnavailableError(RuntimeError):
    """The interpreter's means of tracing are in somebody else's hands; the message says whose, and what to do."""


class Tracer(Protocol):
    """Traces the steps of the loops it is told of. One a process; there is nothing of it while there are no loops."""

    def check(self, *, every_step: bool) -> None:
        """Raises ``TracingUnavailableError`` if the calling thread cannot be traced: every step of it, or some."""

    def start(self, clock: LoopClock, *, every_step: bool) -> None:
        """Trace the steps of this loop, from any thread: all, or those that its ``StepTracer`` is told to begin.

        Again after its threshold has changed, or what is wanted. Raises ``TracingUnavailableError``.
        """

    def stop(self, clock: LoopClock) -> None:
        """Trace it no longer; with the last loop, leave nothing behind."""

    def time_again(self, codes: Iterable[CodeType]) -> None:
        """Calls made by this code, which had been quick, took long. On the watchdog's thread."""
