"""Defines the columns of exported rows, with the same names as in the report's JSON."""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from loopwatch.reporting.recording_health import errors_in_words
from loopwatch.stored_time import as_aware

_KEYS_AT_ONCE = 10_000
_ROWS_AT_ONCE = 500

Row = list[Any]


def _same(value: Any) -> Any:
    return value


def _milliseconds(duration_us: int) -> float:
    return duration_us / 1000


def _iso(moment: datetime | None) -> str:
    """Format a moment with its offset, even if the site stores naive times."""
    return as_aware(moment).isoformat() if moment else ""


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """Defines a column: its heading, the lookup of its value, and the conversion to text, a number or a boolean."""

    name: str
    lookup: str
    convert: Callable[[Any], Any] = _same


def _plain(*names: str) -> tuple[ExportColumn, ...]:
    return tuple(ExportColumn(name, name) for name in names)


FINDING: Final = (
    *_plain("fingerprint", "status", "blocking_call", "called_name", "function", "filename", "lineno", "source"),
    *_plain("cause", "exact", "events", "events_thinned"),
    ExportColumn("blocked_ms", "blocked_us", _milliseconds),
    ExportColumn("longest_ms", "longest_us", _milliseconds),
    *_plain("requests_delayed"),
    ExportColumn("delay_ms", "delay_us", _milliseconds),
    *_plain("requests_kept_out"),
    ExportColumn("kept_out_ms", "kept_out_us", _milliseconds),
    ExportColumn("first_seen", "first_seen", _iso),
    ExportColumn("last_seen", "last_seen", _iso),
    *_plain("first_release", "last_release"),
)
EVENT: Final = (
    *_plain("stall_id"),
    ExportColumn("fingerprint", "finding__fingerprint"),
    *_plain("blocking_call", "called_name", "leaf_name"),
    ExportColumn("function", "finding__function"),
    *_plain("filename", "lineno", "source"),
    ExportColumn("started_at", "started_at", _iso),
    ExportColumn("duration_ms", "duration_us", _milliseconds),
    ExportColumn("step_ms", "step_us", _milliseconds),
    *_plain("ongoing", "cause", "exact", "engine", "request_kind", "method", "route", "consumer"),
    *_plain("requests_delayed", "requests_kept_out"),
    ExportColumn("kept_out_ms", "kept_out_us", _milliseconds),
    *_plain("task_name", "host", "process_id", "release"),
)

PROCESS: Final = (
    *_plain("host", "process_id", "release"),
    ExportColumn("since", "since", _iso),
    ExportColumn("reported_at", "reported_at", _iso),
    *_plain("seen", "unexamined", "stored", "thinned", "withheld", "dropped", "undelivered", "pending"),
    ExportColumn("errors", "errors", errors_in_words),
    *_plain("last_error"),
    ExportColumn("watchdog_cpu_ms", "watchdog_cpu_us", _milliseconds),
    ExportColumn("writer_cpu_ms", "writer_cpu_us", _milliseconds),
)


def rows_of(queryset: QuerySet[Any], columns: tuple[ExportColumn, ...]) -> Iterator[Row]:
    """Yield the rows in chunks, in the order that they have now. What is deleted meanwhile is left out.

    No query stays open between two chunks, for a client may read slowly: on SQLite, nothing could be written meanwhile.
    Only the first query filters, because a search reads all hourly totals.
    """
    keys = array("q", queryset.values_list("pk", flat=True).iterator(chunk_size=_KEYS_AT_ONCE))
    stored = QuerySet[Any](queryset.model, using=queryset.db)
    rows = stored.order_by().values_list("pk", *(column.lookup for column in columns))
    for first in range(0, len(keys), _ROWS_AT_ONCE):
        chunk = keys[first : first + _ROWS_AT_ONCE]
        found = {key: values for key, *values in rows.filter(pk__in=chunk)}
        for values in filter(None, map(found.get, chunk)):
            yield [column.convert(value) for column, value in zip(columns, values, strict=True)]
