"""Computes the heights and labels of the overview's bar chart, for a template that draws it as SVG."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from loopwatch.html_cells import DATE, MINUTE
from loopwatch.models import LoopTime
from loopwatch.reporting.overview import OverviewFigures
from loopwatch.reporting.overview.releases import ReleaseBegin
from loopwatch.reporting.overview.time_axis import DAY
from loopwatch.reporting.overview.timeline import Peak, TimelineBar

HEIGHT = 100
STEP = 10
BAR_WIDTH = 8
SHORTEST = 2
"""The smallest height of a bar, so that small figures are visible beside large ones."""


@dataclass(frozen=True, slots=True)
class DrawnBar:
    """Holds the geometry of one bar. ``…_y`` is the top of a part; the machine's part is on top of the calls' part."""

    bar: TimelineBar
    label: str
    x: int
    blocked_y: int
    blocked_height: int
    machine_y: int
    machine_height: int

    @property
    def is_empty(self) -> bool:
        return not (self.bar.impact.longest_us or self.bar.impact.events or self.bar.busiest)


@dataclass(frozen=True, slots=True)
class Chart:
    """Holds all bars.

    ``highest_us`` is the value of full height; ``ticks`` label the time axis, the last one its end.
    """

    bars: list[DrawnBar]
    highest_us: int
    ticks: list[str]
    width: int
    height: int = HEIGHT

    @property
    def middle_us(self) -> float:
        return self.highest_us / 2

    @property
    def knows_busy(self) -> bool:
        return any(bar.bar.busiest is not None for bar in self.bars)

    @property
    def busy(self) -> str:
        """The path of all bars of the busiest loops."""
        heights = ((drawn.x, _height(drawn.bar.busiest or 0.0, 1.0)) for drawn in self.bars)
        return "".join(f"M{x} {HEIGHT}v-{height}h{BAR_WIDTH}v{height}z" for x, height in heights if height)


@dataclass(frozen=True, slots=True)
class Mark:
    """Marks the moment when a release began: ``x`` is its place as SVG writes it, and ``url`` a page, or empty.

    The name of one that began late is at the left of its place.
    """

    name: str
    begun: datetime
    x: str
    is_late: bool
    url: str


def marks_of(overview: OverviewFigures, url_of: Callable[[ReleaseBegin], str]) -> list[Mark]:
    """Compute the marks of the releases that began within an overview."""
    axis = overview.axis
    shares = [(each, (each.begun - axis.begin) / (axis.end - axis.begin)) for each in overview.releases]
    return [Mark(each.name, each.begun, f"{share:.2%}", share > 0.8, url_of(each)) for each, share in shares]


def chart_of(overview: OverviewFigures) -> Chart:
    """Compute the chart of an overview."""
    highest_us = max((bar.impact.blocked_us + bar.machine_us for bar in overview.bars), default=0)
    count = len(overview.bars)
    ticks = [overview.axis.start(count * quarter // 4) for quarter in range(4)]
    is_days, is_time = overview.axis.span.bar == DAY, overview.axis.span.rows == LoopTime.Minutes.MINUTE
    end = _label(overview.axis.end, is_days=is_days, is_time=is_time) if overview.axis.is_chosen else _("now")
    return Chart(
        bars=list(_drawn(overview.bars, highest_us, is_days=is_days)),
        highest_us=highest_us,
        ticks=[*(_label(tick, is_days=is_days, is_time=is_time) for tick in ticks), end],
        width=count * STEP,
    )


def peak_label(peak: Peak) -> str:
    """Return the minute, the hour from its beginning to its end, or the day (UTC) in the reader's format."""
    if peak.lasts == DAY:
        return date_format(peak.start.astimezone(UTC), DATE)
    begin = date_format(timezone.localtime(peak.start), f"{DATE} {MINUTE}")
    if peak.lasts < timedelta(hours=1):
        return begin
    return f"{begin} – {date_format(timezone.localtime(peak.start + peak.lasts), MINUTE)}"


def _drawn(bars: list[TimelineBar], highest_us: int, *, is_days: bool) -> Iterator[DrawnBar]:
    for index, bar in enumerate(bars):
        blocked, machine = _height(bar.impact.blocked_us, highest_us), _height(bar.machine_us, highest_us)
        blocked = min(blocked, HEIGHT - machine)
        yield DrawnBar(
            bar=bar,
            label=_label(bar.start, is_days=is_days),
            x=index * STEP + (STEP - BAR_WIDTH) // 2,
            blocked_y=HEIGHT - blocked,
            blocked_height=blocked,
            machine_y=HEIGHT - blocked - machine,
            machine_height=machine,
        )


def _height(figure: float, highest: float) -> int:
    return max(round(HEIGHT * figure / highest), SHORTEST) if figure and highest else 0


def _label(at: datetime, *, is_days: bool, is_time: bool = False) -> str:
    if is_days:
        return date_format(timezone.localtime(at), DATE)
    return date_format(timezone.localtime(at), MINUTE if is_time else f"{DATE} {MINUTE}")
