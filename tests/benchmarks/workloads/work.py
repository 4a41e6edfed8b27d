"""What a workload is."""

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tests.benchmarks.variants import BARE, SAMPLING, Variant

Work = Callable[[], Coroutine[Any, Any, float]]
"""Does it once; what came out, mostly seconds for one of many."""


class Shown(Enum):
    """How what came out is shown: what came out bare, in the same round, is what it is compared with."""

    RATIO = "× bare"
    NANOSECONDS_MORE = "ns more"
    MICROSECONDS_MORE = "µs more"
    PERCENT_MORE = "% of a core more"
    PERCENT_OF_A_CORE = "% of a core"
    MEGABYTES = "MB"

    def figure(self, value: float, bare: float) -> float:
        match self:
            case Shown.RATIO:
                return value / bare
            case Shown.NANOSECONDS_MORE:
                return (value - bare) * 1e9
            case Shown.MICROSECONDS_MORE:
                return (value - bare) * 1e6
            case Shown.PERCENT_MORE:
                return (value - bare) * 100
            case Shown.PERCENT_OF_A_CORE:
                return value * 100
            case Shown.MEGABYTES:
                return value


class Group(Enum):
    """The tables."""

    TOOLS = "Beside other tools"
    STALLS = "What a stall costs, and the threads beside the loop's"
    GROWTH = "How the cost grows"


@dataclass(frozen=True, slots=True)
class Workload:
    """``prepare`` is called in a process that one variant has for itself, on its loop, and begins that variant."""

    name: str
    title: str
    prepare: Callable[[Variant], Work]
    shown: Shown = Shown.RATIO
    group: Group = Group.TOOLS
    has_floors: bool = False
    has_parts: bool = False
    at_once: bool = False
    """Whether all variants do it at the same time, because it leaves the machine alone."""
    is_once: bool = False
    """Whether it takes long, and hardly differs from one time to the next; sampling stands for tracing, too."""

    def is_for(self, variant: Variant) -> bool:
        if variant.is_floor:
            return self.has_floors
        if variant.is_part:
            return self.has_parts
        if self.is_once:
            return variant in (BARE, SAMPLING)
        return self.group is Group.TOOLS or variant.is_in_app or variant is BARE


def cpu_s_each(do: Callable[[], Coroutine[Any, Any, object]], count: int) -> Work:
    """CPU seconds of the whole process, other threads included, for one of ``count``."""

    async def work() -> float:
        begin = time.process_time()
        await do()
        return (time.process_time() - begin) / count

    return work
