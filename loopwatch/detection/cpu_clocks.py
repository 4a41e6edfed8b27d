"""How much CPU time the loop's thread and the process have used."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CpuReading:
    """CPU seconds used up to ``at``, by the loop's thread (``None`` if that cannot be known) and by the process."""

    at: float
    thread_s: float | None
    process_s: float


def cpu_clock_id(thread_id: int) -> int | None:
    """The CPU clock of a thread that is alive; ``None`` on platforms without one."""
    return time.pthread_getcpuclockid(thread_id) if hasattr(time, "pthread_getcpuclockid") else None
