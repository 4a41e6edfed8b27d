"""Puts the parts of the overview together."""

from dataclasses import dataclass
from datetime import UTC, datetime

from loopwatch.impact import NO_IMPACT, Impact
from loopwatch.reporting.overview.new_findings import NewFindings, new_findings
from loopwatch.reporting.overview.processes import ProcessTimes, processes
from loopwatch.reporting.overview.routes import Routes, routes
from loopwatch.reporting.overview.time_axis import TimeAxis
from loopwatch.reporting.overview.timeline import Timeline, TimelineBar, timeline
from loopwatch.reporting.overview.worst_findings import WorstFindings, worst_findings
from loopwatch.reporting.overview.worst_pause import WorstPause, worst_pause
from loopwatch.reporting.recording_health import RecordingHealth, recording_health


@dataclass(frozen=True, slots=True)
class OverviewFigures:
    """All figures of the overview, each of the whole time axis."""

    axis: TimeAxis
    timeline: Timeline
    worst_pause: WorstPause | None
    processes: list[ProcessTimes]
    worst: WorstFindings
    routes: Routes
    new: NewFindings
    health: RecordingHealth

    @property
    def bars(self) -> list[TimelineBar]:
        return self.timeline.bars

    @property
    def impact(self) -> Impact:
        return sum((bar.impact for bar in self.bars), NO_IMPACT)

    @property
    def change(self) -> float | None:
        """How much larger the impact is than in the period before, as a share of that; ``None`` if unknown."""
        return self.routes.all_us / self.routes.before_us - 1 if self.routes.before_us else None

    @property
    def machine_us(self) -> int:
        return sum(bar.machine_us for bar in self.bars)


def overview_figures(axis: TimeAxis, *, using: str | None = None) -> OverviewFigures:
    """Look up the overview; what is new, and the health of loopwatch, are as of now."""
    by_route = routes(axis, using)
    bars = timeline(axis, using)
    return OverviewFigures(
        axis=axis,
        timeline=bars,
        worst_pause=worst_pause(bars.worst_pause, using),
        processes=processes(axis, using),
        worst=worst_findings(axis, by_route.all_us, using),
        routes=by_route,
        new=new_findings(datetime.now(UTC), using),
        health=recording_health(using),
    )
