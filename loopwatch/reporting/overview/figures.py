"""Puts the parts of the overview together."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate

from loopwatch.impact import NO_IMPACT, Impact
from loopwatch.reporting.overview.new_findings import NewFindings, new_findings
from loopwatch.reporting.overview.processes import ProcessTimes, processes
from loopwatch.reporting.overview.routes import Routes, routes
from loopwatch.reporting.overview.time_axis import TimeAxis, TimeSpan
from loopwatch.reporting.overview.timeline import TimelineBar, timeline
from loopwatch.reporting.overview.worst_findings import WorstFindings, worst_findings
from loopwatch.reporting.recording_health import RecordingHealth, recording_health
from loopwatch.stored_time import whole_hour

LARGEST_BURST = 0.15
"""The largest share of a span that counts as a burst."""


@dataclass(frozen=True, slots=True)
class OverviewFigures:
    """All figures of the overview. ``since`` is the beginning of the hour in which the first bar begins."""

    axis: TimeAxis
    since: datetime
    bars: list[TimelineBar]
    processes: list[ProcessTimes]
    worst: WorstFindings
    routes: Routes
    new: NewFindings
    health: RecordingHealth

    @property
    def impact(self) -> Impact:
        return sum((bar.impact for bar in self.bars), NO_IMPACT)

    @property
    def machine_us(self) -> int:
        return sum(bar.machine_us for bar in self.bars)

    @property
    def burst_us(self) -> int:
        """How much time, in whole bars, contains half of the blocked time; 0 if it was no burst."""
        blocked_us = self.impact.blocked_us
        sums_us = accumulate(sorted((bar.impact.blocked_us for bar in self.bars), reverse=True))
        halves = next(number for number, sum_us in enumerate(sums_us, 1) if 2 * sum_us >= blocked_us)
        is_burst = blocked_us and halves <= len(self.bars) * LARGEST_BURST
        return round(halves * self.axis.span.bar.total_seconds() * 1e6) if is_burst else 0


def overview_figures(span: TimeSpan, *, using: str | None = None) -> OverviewFigures:
    """Look up the overview as of now."""
    now = datetime.now(UTC)
    axis = TimeAxis(span, now)
    since = whole_hour(axis.begin)
    by_route = routes(axis, since, using)
    return OverviewFigures(
        axis=axis,
        since=since,
        bars=timeline(axis, using),
        processes=processes(axis, using),
        worst=worst_findings(axis, since, by_route.all_us, using),
        routes=by_route,
        new=new_findings(now, using),
        health=recording_health(using),
    )
