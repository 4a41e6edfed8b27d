"""Reports how long the steps of the event loops lasted, for choosing ``THRESHOLD_MS`` by looking."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from loopwatch.histogram import BOUNDS_MS, COLUMNS
from loopwatch.models import LoopTime
from loopwatch.reporting.wording import when
from loopwatch.rows.step_counts import read_step_counts
from loopwatch.stored_time import as_aware, as_local, as_stored

_HEADINGS = ("At least", "Steps", "Per hour")
NO_STEPS = f"""\
No step of {BOUNDS_MS[0]} ms or longer has been counted. Processes write their counts within a minute.
If none of the site's processes has written any, loopwatch_report without options says what to check."""


def render_steps(since: datetime | None, using: str | None, threshold_ms: float) -> str:
    """Return a table of how many steps lasted at least so long, since the beginning of an hour."""
    begin, counts = _counts(since, using)
    if begin is None or not counts:
        return NO_STEPS
    hours = max(1.0, (datetime.now(UTC) - begin) / timedelta(hours=1))
    rows = [_HEADINGS, *_rows(counts, hours)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    headline = f"Steps of the event loops since {when(begin)} {as_local(begin):%Z}, by how long they lasted"
    return "\n".join([headline, f"THRESHOLD_MS is {threshold_ms:g}.", "", *lines])


def _counts(since: datetime | None, using: str | None) -> tuple[datetime | None, Counter[str]]:
    """Return the beginning of the first hour of the period, and how many of its steps each column counts."""
    hours = LoopTime.objects.using(using).filter(minutes=LoopTime.Minutes.HOUR)
    if since is not None:
        hours = hours.filter(start__gte=as_stored(since))
    first, counts = None, Counter[str]()
    for start, steps in hours.order_by("start").values_list("start", "steps").iterator():
        first = first or as_aware(start)
        counts.update({name: count for name, count in read_step_counts(steps).items() if name in COLUMNS})
    return first, counts


def _rows(counts: Counter[str], hours: float) -> Iterator[tuple[str, ...]]:
    """Yield a row for each bound that a step has reached, and one for the next bound."""
    longer = list(accumulate(counts[column] for column in reversed(COLUMNS[1:])))[::-1]
    for bound_ms, steps in zip(BOUNDS_MS, longer, strict=True):
        per_hour = steps / hours
        yield f"{bound_ms:,} ms", f"{steps:,}", f"{per_hour:,.0f}" if per_hour >= 10 else f"{per_hour:.2g}"
        if not steps:
            break
