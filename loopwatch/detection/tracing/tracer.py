"""The interface of a tracer, which ``by_monitoring`` and ``by_profile`` implement."""

from collections.abc import Iterable
from types import CodeType
from typing import Protocol

from loopwatch.detection.timing.loop_clock import LoopClock


class TracingUnavailableError(RuntimeError):
    """Another tool uses what the tracer needs of the interpreter. The message names the tool and a remedy."""


class Tracer(Protocol):
    """Traces the steps of the loops started. A process has one, which installs nothing while there are no loops."""

    def check(self, *, every_step: bool) -> None:
        """Raise ``TracingUnavailableError`` if the steps of the calling thread, or some of them, cannot be traced."""

    def start(self, clock: LoopClock, *, every_step: bool) -> None:
        """Trace every step of this loop, or those that its ``StepTracer`` begins. From any thread.

        Call it again after the threshold or ``every_step`` has changed. Raises ``TracingUnavailableError``.
        """

    def stop(self, clock: LoopClock) -> None:
        """Trace the loop no longer. After the last loop, nothing is left installed."""

    def replace_lock(self) -> None:
        """Forget which thread holds the lock, in a forked child that does not have that thread."""

    def time_again(self, codes: Iterable[CodeType]) -> None:
        """Time the calls made by this code, which had proved quick, again. On the watchdog's thread."""
