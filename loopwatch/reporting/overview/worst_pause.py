"""Finds the event behind the worst pause of a loop."""

from dataclasses import dataclass
from datetime import datetime

from loopwatch.models import BlockingEvent
from loopwatch.reporting.overview.time_axis import DAY
from loopwatch.reporting.overview.timeline import Peak
from loopwatch.stored_time import as_aware, as_stored


@dataclass(frozen=True, slots=True)
class WorstPause:
    """The longest pause, the minute, hour or day in which it began, and its event.

    ``event_id`` and ``started_at`` are ``None`` if no event is stored: the machine was to blame, or it was deleted.
    """

    longest_us: int
    peak: Peak
    event_id: int | None = None
    started_at: datetime | None = None


def worst_pause(peak: Peak | None, using: str | None) -> WorstPause | None:
    """Look the event up, by one query; ``None`` if there was no pause."""
    if peak is None:
        return None
    longest_us = round(peak.figure)
    # Totals of days count stalls, rows of loops whole steps.
    same = {"duration_us": longest_us} if peak.lasts == DAY else {"step_us": longest_us}
    events = BlockingEvent.objects.using(using).filter(
        started_at__gte=as_stored(peak.start), started_at__lt=as_stored(peak.start + peak.lasts), **same
    )
    found = events.order_by("started_at").values_list("pk", "started_at").first()
    if found is None:
        return WorstPause(longest_us, peak)
    event_id, started_at = found
    return WorstPause(longest_us, peak, event_id, as_aware(started_at))
