"""Puts the parts of the overview together."""

from dataclasses import dataclass
from enum import StrEnum

from loopwatch.impact import NO_IMPACT, Impact
from loopwatch.reporting.overview.processes import ProcessTimes, processes
from loopwatch.reporting.overview.releases import ReleaseBegin, release_begins
from loopwatch.reporting.overview.routes import Routes, routes
from loopwatch.reporting.overview.time_axis import TimeAxis
from loopwatch.reporting.overview.timeline import Timeline, TimelineBar, timeline
from loopwatch.reporting.overview.worst_findings import WorstFindings, worst_findings
from loopwatch.reporting.overview.worst_pause import WorstPause, worst_pause
from loopwatch.reporting.recording_health import RecordingHealth, recording_health

_BLOCKED_FROM, _DEGRADED_FROM = 0.01, 0.001
_LONG_US = 1_000_000


class State(StrEnum):
    """Judges a time: blocked from 1 % of the loops' time on; degraded from 0.1 % on, or with a stall of a second."""

    OK = "ok"
    DEGRADED = "degraded"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class OverviewFigures:
    """All figures of the overview, each of the whole time axis."""

    axis: TimeAxis
    timeline: Timeline
    worst_pause: WorstPause | None
    processes: list[ProcessTimes]
    worst: WorstFindings
    routes: Routes
    releases: list[ReleaseBegin]
    health: RecordingHealth

    @property
    def bars(self) -> list[TimelineBar]:
        return self.timeline.bars

    @property
    def impact(self) -> Impact:
        return sum((bar.impact for bar in self.bars), NO_IMPACT)

    @property
    def loop_share(self) -> float | None:
        """The share of the loops' time in which calls blocked them; ``None`` if unknown."""
        return min(1.0, self.impact.blocked_us / self.timeline.loops_us) if self.timeline.loops_us else None

    @property
    def state(self) -> State:
        share, impact = self.loop_share or 0.0, self.impact
        if share >= _BLOCKED_FROM:
            return State.BLOCKED
        return State.DEGRADED if share >= _DEGRADED_FROM or impact.longest_us >= _LONG_US else State.OK

    @property
    def change(self) -> float | None:
        """How much larger the impact is than in the period before, as a share of that; ``None`` if unknown."""
        return self.routes.all_us / self.routes.before_us - 1 if self.routes.before_us else None

    @property
    def machine_us(self) -> int:
        return sum(bar.machine_us for bar in self.bars)


def overview_figures(axis: TimeAxis, *, using: str | None = None) -> OverviewFigures:
    """Look up the overview; the health of loopwatch is as of now."""
    by_route = routes(axis, using)
    bars = timeline(axis, using)
    return OverviewFigures(
        axis=axis,
        timeline=bars,
        worst_pause=worst_pause(bars.worst_pause, using),
        processes=processes(axis, using),
        worst=worst_findings(axis, by_route.all_us, using),
        routes=by_route,
        releases=release_begins(axis, using),
        health=recording_health(using),
    )
