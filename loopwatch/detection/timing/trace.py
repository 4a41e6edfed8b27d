"""The trace of one step: the calls that were timed in it, as plain data."""

from dataclasses import dataclass, field
from types import CodeType

from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.machine.cpu_clocks import CpuReading


@dataclass(slots=True)
class TracedCall:
    """One function at one place of a step's call tree. ``sites``, innermost first, is where its first call ended.

    ``name`` is the name of a C function, and empty for Python code, whose own frame is the innermost. ``own_s`` is the
    self time: ``total_s`` without the callees that are recorded themselves. ``inside`` lists the C functions that the
    stack went through, each with the code and offset that called it. Times are ``now()``.
    """

    sites: tuple[Site, ...]
    name: str
    started: float
    ended: float
    own_s: float
    total_s: float
    count: int = 1
    inside: list[tuple[CodeType, int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Trace:
    """The traced calls of a step. ``counts`` is the number of slow calls of each code object, by its id."""

    calls: tuple[TracedCall, ...] = ()
    counts: dict[int, int] = field(default_factory=dict)
    readings: tuple[CpuReading, ...] = ()
