"""What a workload is."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from tests.benchmarks.variants import AIOCOP, BARE, SAMPLING, SILK, TRACING, Variant

Work = Callable[[], Coroutine[Any, Any, float | dict[str, float]]]
"""Does it once; what came out, mostly seconds for one of many; or several such figures, by the name of the measure."""


class Shown(Enum):
    """How what came out is shown: what came out bare, in the same round, is what it is compared with."""

    RATIO = "× bare"
    SHARE = "of bare"
    """Of what is the better, the more there is of it: the time of each came out."""
    NANOSECONDS_MORE = "ns more"
    MICROSECONDS_MORE = "µs more"
    PERCENT_MORE = "% of a core more"
    PERCENT_OF_A_CORE = "% of a core"
    MEGABYTES = "MB"

    def figure(self, value: float, bare: float) -> float:
        match self:
            case Shown.RATIO:
                return value / bare
            case Shown.SHARE:
                return bare / value
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
    PAGES = "Real pages, served"


@dataclass(frozen=True, slots=True)
class Measure:
    """One of several figures that the same work has."""

    name: str
    title: str
    shown: Shown


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
    measures: tuple[Measure, ...] = ()
    served_by: str = ""
    new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None
    """Makes a loop that is not asyncio's own, on which only loopwatch is compared."""

    @property
    def figures(self) -> tuple[Measure, ...]:
        """What comes out, each with a name that no other workload has."""
        named = (replace(each, name=f"{self.name}-{each.name}") for each in self.measures)
        return tuple(named) or (Measure(self.name, self.title, self.shown),)

    def is_for(self, variant: Variant) -> bool:
        if variant.is_floor:
            return self.has_floors
        if variant.is_part:
            return self.has_parts
        if self.is_once:
            return variant in (BARE, SAMPLING)
        if variant is SILK or self.group is Group.PAGES:
            return self.group is Group.PAGES and variant in (BARE, SAMPLING, TRACING, AIOCOP, SILK)
        has_tools = self.group is Group.TOOLS and self.new_loop is None
        return has_tools or variant.is_in_app or variant is BARE


def cpu_s_each(do: Callable[[], Coroutine[Any, Any, object]], count: int) -> Work:
    """CPU seconds of the whole process, other threads included, for one of ``count``."""

    async def work() -> float:
        begin = time.process_time()
        await do()
        return (time.process_time() - begin) / count

    return work
