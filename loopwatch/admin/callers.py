"""Sums up where a finding is called from: the paths of its events through in-app code, with their shares."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from loopwatch.reporting.flame import SampledEvent
from loopwatch.rows.stacks import StoredFrame

_PATHS = 20
_SITES = 8

Site = tuple[str, str, int]
"""The qualified name, the file and the line."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Holds one path: its call sites, outermost first, without the outermost ones, which ``outer`` counts."""

    sites: tuple[Site, ...]
    outer: int
    events: int
    blocked_ms: float
    share: float

    @property
    def percent(self) -> int:
        return round(self.share * 100)


@dataclass(frozen=True, slots=True)
class Callers:
    """Holds the paths with the most blocked time, and how many more there are."""

    paths: list[Caller]
    left_out: int


def callers_of(events: Iterable[SampledEvent]) -> Callers:
    """Group events by the in-app frames of their representative stacks, without events that have none."""
    figures: dict[tuple[Site, ...], tuple[int, float]] = {}
    for event in events:
        path = _own_sites(event.samples[0].frames) if event.samples else ()
        if path:
            count, blocked_ms = figures.get(path, (0, 0.0))
            figures[path] = count + 1, blocked_ms + event.duration_ms
    total_ms = sum(blocked_ms for _, blocked_ms in figures.values()) or 1.0
    heaviest = sorted(figures.items(), key=lambda item: (-item[1][1], item[0]))
    paths = [
        Caller(path[-_SITES:], max(len(path) - _SITES, 0), count, blocked_ms, blocked_ms / total_ms)
        for path, (count, blocked_ms) in heaviest[:_PATHS]
    ]
    return Callers(paths, max(len(heaviest) - _PATHS, 0))


def _own_sites(frames: Iterable[StoredFrame]) -> tuple[Site, ...]:
    """Return the call sites, with direct recursion from one line as one site."""
    sites = ((frame.name, frame.filename, frame.lineno) for frame in frames if frame.is_in_app)
    return tuple(site for site, _ in groupby(sites))
