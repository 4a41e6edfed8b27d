"""Draws when each finding of a list blocked, as small bars: one for every six hours of a week."""

from collections import defaultdict
from datetime import datetime, timedelta

from django.db.models import QuerySet, Sum
from django.utils.html import format_html
from django.utils.safestring import SafeString

from loopwatch.models import HourlyTotal
from loopwatch.stored_time import as_aware

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
_BARS = 28
_HEIGHT = 16

Heights = list[int]
"""One for each bar, from 0 to the full height."""


def heights_of(totals: QuerySet[HourlyTotal], begin: datetime, end: datetime) -> dict[int, Heights]:
    """Compute the bars of each finding in these totals that blocked within the time, by one query.

    A bar is an hour or longer, so a time of few hours has fewer bars.
    """
    length = max((end - begin) / _BARS, HOUR)
    blocked = defaultdict[int, Heights](lambda: [0] * _BARS)
    for finding_id, hour, blocked_us in totals.values_list("finding_id", "hour").annotate(Sum("blocked_us")).order_by():
        bar = (as_aware(hour) - begin) // length
        if 0 <= bar < _BARS:
            blocked[finding_id][bar] += blocked_us
    return {finding_id: _scaled(figures) for finding_id, figures in blocked.items()}


def _scaled(figures: Heights) -> Heights:
    # Even the smallest bar must be visible.
    highest = max(figures) or 1
    return [max(round(_HEIGHT * figure / highest), 2) if figure else 0 for figure in figures]


def sparkline(heights: Heights) -> SafeString:
    """Return the drawing, without a name: the columns beside it have the figures."""
    bars = "".join(f"M{x} {_HEIGHT}v-{height}h.8v{height}z" for x, height in enumerate(heights) if height)
    return format_html(
        '<svg class="loopwatch-spark" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">'
        '<path d="{}"/></svg>',
        _BARS,
        _HEIGHT,
        bars,
    )
