"""Says whether the machine let processes have their CPUs, by what the kernel counts and no tool under test is asked."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

PROCESSES = Path("/proc")
MACHINE = Path("/proc/stat")
PRESSURE = Path("/proc/pressure/cpu")
STEAL = 8
"""The column of the line ``cpu``: ticks for which a virtual machine's host had other things to do. See proc_stat(5)."""
CPU_WAIT_S = 0.005
"""What a run may wait for a CPU without having been disturbed."""


class Witness:
    """``with witness:`` measures how long the threads of a process and of its descendants had no CPU to run on.

    The process is this one by default, without its descendants. The time is 0 where no kernel tells.
    """

    def __init__(self, process_id: int | None = None) -> None:
        self.waited_for_cpu_s = 0.0
        self._process_id = process_id
        self._before: dict[str, int] = {}
        self._stolen_before_s = 0.0

    def __enter__(self) -> Self:
        self._before, self._stolen_before_s = self._waited_ns(), _stolen_s()
        return self

    def __exit__(self, *_: object) -> None:
        waited_ns = sum(waited - self._before.get(thread, 0) for thread, waited in self._waited_ns().items())
        self.waited_for_cpu_s = waited_ns / 1e9 + _stolen_s() - self._stolen_before_s

    @property
    def saw_disturbance(self) -> bool:
        return self.waited_for_cpu_s > CPU_WAIT_S

    def __str__(self) -> str:
        return f"threads waited {self.waited_for_cpu_s:.3f} s for a CPU"

    def _waited_ns(self) -> dict[str, int]:
        """By thread, the second figure of its ``schedstat``: see the kernel's Documentation/scheduler/sched-stats."""
        processes = ["self"] if self._process_id is None else map(str, _with_descendants(self._process_id))
        return {
            thread.name: int(waited[1])
            for process in processes
            for thread in _threads(process)
            if (waited := _words(thread / "schedstat"))
        }


def _with_descendants(process_id: int) -> Iterator[int]:
    yield process_id
    for thread in _threads(str(process_id)):
        for child in _words(thread / "children"):
            yield from _with_descendants(int(child))


def _threads(process: str) -> list[Path]:
    try:
        return list((PROCESSES / process / "task").iterdir())
    except OSError:  # the process has ended meanwhile
        return []


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:  # the thread has ended meanwhile
        return []


def _stolen_s() -> float:
    """From all CPUs, whoever was to run there."""
    try:
        with MACHINE.open() as lines:
            return int(next(lines).split()[STEAL]) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


def pressure_s() -> float:
    """For how long any process of the machine has waited for a CPU since it started; 0 where no kernel tells.

    See the kernel's Documentation/accounting/psi.rst.
    """
    totals = [word.removeprefix("total=") for word in _words(PRESSURE) if word.startswith("total=")]
    return int(totals[0]) / 1e6 if totals else 0.0
