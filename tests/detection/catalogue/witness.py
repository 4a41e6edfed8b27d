"""Tells whether the machine let a run have its CPUs, by what the kernel counts and no tool under test is asked."""

import os
from pathlib import Path

THREADS = Path("/proc/self/task")
MACHINE = Path("/proc/stat")
STEAL = 8
"""The column of the line ``cpu``: ticks for which a virtual machine's host had other things to do. See proc_stat(5)."""


class Witness:
    """``with witness:`` measures how long this process's threads had no CPU to run on; 0 where no kernel tells."""

    def __init__(self) -> None:
        self.waited_for_cpu_s = 0.0
        self._before: dict[str, int] = {}
        self._stolen_before_s = 0.0

    def __enter__(self) -> None:
        self._before, self._stolen_before_s = _waited_ns(), _stolen_s()

    def __exit__(self, *_: object) -> None:
        waited_ns = sum(waited - self._before.get(thread, 0) for thread, waited in _waited_ns().items())
        self.waited_for_cpu_s = waited_ns / 1e9 + _stolen_s() - self._stolen_before_s


def _waited_ns() -> dict[str, int]:
    """By thread, the second figure of its ``schedstat``: see the kernel's Documentation/scheduler/sched-stats."""
    waited = {}
    for thread in THREADS.glob("*/schedstat"):
        try:
            waited[thread.parent.name] = int(thread.read_text().split()[1])
        except OSError:  # it has ended meanwhile
            continue
    return waited


def _stolen_s() -> float:
    """From all CPUs, whoever was to run there."""
    try:
        with MACHINE.open() as lines:
            return int(next(lines).split()[STEAL]) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0
