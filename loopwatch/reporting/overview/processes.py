"""Sums up how long the loop of each process was blocked and how busy it was."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Sum

from loopwatch.models import LoopTime
from loopwatch.reporting.overview.time_axis import Minutes, TimeAxis
from loopwatch.stored_time import as_aware, as_stored

SHOWN = 20


@dataclass(frozen=True, slots=True)
class ProcessTimes:
    """The loop of one process.

    ``busy`` is the share of time spent in steps during the minutes or hours with any step, and ``busiest`` that of the
    busiest minute or hour; ``None`` if unknown.
    """

    host: str
    process_id: int
    since: datetime
    release: str
    events: int
    blocked_us: int
    machine_us: int
    longest_us: int
    busy: float | None
    busiest: float | None


def processes(axis: TimeAxis, using: str | None) -> list[ProcessTimes]:
    """Return processes, those blocked longest first, by one query; one more than are shown."""
    minutes = axis.span.rows or Minutes.HOUR
    times = LoopTime.objects.using(using).filter(
        minutes=minutes, start__gte=as_stored(axis.begin), start__lt=as_stored(axis.end)
    )
    rows = times.values_list("host", "process_id", "since", "release").annotate(
        Sum("events"),
        Sum("machine_us"),
        Max("longest_us"),
        Sum("busy_us"),
        Max("busy_us"),
        Count("pk"),
        total_us=Sum("blocked_us"),
    )
    ordered = rows.order_by("-total_us", "host", "process_id", "since")
    return [_process_times(tuple(row), minutes * 60_000_000) for row in ordered[: SHOWN + 1]]


def _process_times(row: tuple[Any, ...], row_us: int) -> ProcessTimes:
    host, process_id, since, release, events, machine_us, longest_us, busy_us, busiest_us, rows, blocked_us = row
    return ProcessTimes(
        host=host,
        process_id=process_id,
        since=as_aware(since),
        release=release,
        events=events,
        blocked_us=blocked_us,
        machine_us=machine_us,
        longest_us=longest_us,
        busy=None if busy_us is None else min(1.0, busy_us / (rows * row_us)),
        busiest=None if busiest_us is None else min(1.0, busiest_us / row_us),
    )
