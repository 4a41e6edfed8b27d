"""Tells whether the machine let a run have its CPUs, by what the kernel counts and no tool under test is asked."""

from pathlib import Path

THREADS = Path("/proc/self/task")


class Witness:
    """``with witness:`` measures how long this process's threads had no CPU to run on; 0 where no kernel tells."""

    def __init__(self) -> None:
        self.waited_for_cpu_s = 0.0
        self._before: dict[str, int] = {}

    def __enter__(self) -> None:
        self._before = _waited_ns()

    def __exit__(self, *_: object) -> None:
        waited_ns = sum(waited - self._before.get(thread, 0) for thread, waited in _waited_ns().items())
        self.waited_for_cpu_s = waited_ns / 1e9


def _waited_ns() -> dict[str, int]:
    """By thread, the second figure of its ``schedstat``: see the kernel's Documentation/scheduler/sched-stats."""
    waited = {}
    for thread in THREADS.glob("*/schedstat"):
        try:
            waited[thread.parent.name] = int(thread.read_text().split()[1])
        except OSError:  # it has ended meanwhile
            continue
    return waited
