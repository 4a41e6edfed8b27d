"""Finds when releases began, for marks in the chart of the overview."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min

from loopwatch.models import LoopTime
from loopwatch.reporting.overview.time_axis import Minutes, TimeAxis
from loopwatch.stored_time import as_aware

_MARKED = 12


@dataclass(frozen=True, slots=True)
class ReleaseBegin:
    """A release, and when its first process began; ``before`` is the release that began before it, or empty."""

    name: str
    begun: datetime
    before: str


def release_begins(axis: TimeAxis, using: str | None) -> list[ReleaseBegin]:
    """Return the newest releases that began within the axis, the first one first, by one query.

    The hours of processes are kept for a month, so a release that began earlier is not found.
    """
    hours = LoopTime.objects.using(using).filter(minutes=Minutes.HOUR).exclude(release="")
    rows = hours.values_list("release").annotate(begun=Min("since")).order_by("begun", "release")
    names = [(name, as_aware(begun)) for name, begun in rows]
    begins = [
        ReleaseBegin(name, begun, before)
        for (name, begun), before in zip(names, ["", *(name for name, _ in names)], strict=False)
        if axis.begin <= begun < axis.end
    ]
    return begins[-_MARKED:]
