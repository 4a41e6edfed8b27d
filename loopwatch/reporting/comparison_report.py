"""Builds a report of what changed between two releases, from the hourly totals of both."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import Max, Min, Sum

from loopwatch.models import LoopTime
from loopwatch.reporting.aggregates import Sums, hourly_totals, sums_of
from loopwatch.reporting.finding_report import FindingFigures, reported
from loopwatch.reporting.recording_health import recording_health
from loopwatch.reporting.release_change import KINDS, Change, ComparedRelease, Comparison, Rate
from loopwatch.reporting.report import Report, Totals
from loopwatch.reporting.selection import Selection
from loopwatch.stored_time import as_aware, as_stored

_KNOWN_SHOWN = 10
_HOUR = timedelta(hours=1)


class UnknownReleaseError(ValueError):
    """Nothing is stored of the release; the message names those that are known."""


class Compared(NamedTuple):
    """A finding in two releases."""

    finding_id: int
    sums: Sums
    change: Change


class StoredRelease(NamedTuple):
    """A release in the store; ``last`` is the beginning of its last hour."""

    name: str
    begin: datetime
    last: datetime
    events: int
    blocked_us: int


def build_comparison(selection: Selection, before: str, after: str) -> Report:
    """Report the first findings of every kind of change; in each kind, the largest change comes first.

    Raises ``UnknownReleaseError``.
    """
    now = datetime.now(UTC)
    first, second = releases(selection, before, after, now)
    rows = compare(selection, first, second)
    by_kind = defaultdict[str, list[Compared]](list)
    for row in rows:
        by_kind[row.change.kind].append(row)
    shown = [row for kind in KINDS for row in by_kind[kind][: selection.limit]]
    return Report(
        generated_at=now,
        since=selection.begin,
        status=selection.status,
        stored=selection.stored.count(),
        totals=Totals(
            findings=sum(1 for row in rows if row.change.after.events),
            events=sum(row.change.after.events for row in rows),
            blocked_ms=sum(row.change.after.blocked_ms for row in rows),
        ),
        health=recording_health(selection.using),
        findings=tuple(
            reported(
                [FindingFigures(row.finding_id, None, row.sums.impact) for row in shown],
                selection,
                {row.finding_id: row.change for row in shown},
            )
        ),
        comparison=Comparison(first, second, {kind: len(by_kind[kind]) for kind in KINDS}),
    )


def releases(selection: Selection, before: str, after: str, now: datetime) -> tuple[ComparedRelease, ComparedRelease]:
    """Return both releases. Raises ``UnknownReleaseError``."""
    return compared_releases(stored_releases(selection), before, after, now)


def compared_releases(
    spans: list[StoredRelease], before: str, after: str, now: datetime
) -> tuple[ComparedRelease, ComparedRelease]:
    """Return two of the stored releases. Raises ``UnknownReleaseError``."""
    return _release(before, spans, now), _release(after, spans, now)


def compare(selection: Selection, before: ComparedRelease, after: ComparedRelease) -> list[Compared]:
    """Return every finding that happened in one of the releases, the largest change first."""
    sums: dict[int, dict[str, Sums]] = defaultdict(dict)
    # Hours are indexed, and most releases are found in some of them only.
    begin, end = min(before.begin, after.begin), max(before.end, after.end)
    totals = selection.totals.filter(
        hour__gte=as_stored(begin), hour__lt=as_stored(end), release__in={before.name, after.name}
    )
    for finding_id, (release,), figures in sums_of(totals, "release"):
        sums[finding_id][release] = figures
    rows = [
        Compared(
            finding_id,
            found.get(after.name, Sums()),
            Change(_rate(found.get(before.name, Sums()), before), _rate(found.get(after.name, Sums()), after)),
        )
        for finding_id, found in sums.items()
        if any(each.impact.events for each in found.values())
    ]
    return sorted(rows, key=lambda row: (-abs(row.change.difference_ms_per_hour), row.finding_id))


def stored_releases(selection: Selection) -> list[StoredRelease]:
    """Return all releases in the period, with findings of any status; the latest first.

    A release that cured everything has hours of service only.
    """
    totals, times = hourly_totals(selection.begin, selection.using), LoopTime.objects.using(selection.using)
    hours = times.filter(minutes=LoopTime.Minutes.HOUR)
    if selection.begin is not None:
        hours = hours.filter(start__gte=as_stored(selection.begin))
    of_service = hours.order_by().values_list("release").annotate(Min("start"), Max("start"))
    figures = (Min("hour"), Max("hour"), Sum("events"), Sum("blocked_us"))
    rows = {name: (*span, 0, 0) for name, *span in of_service}
    for name, begin, last, *sums in totals.order_by().values_list("release").annotate(*figures):
        served = rows.get(name, (begin, last))
        rows[name] = (min(begin, served[0]), max(last, served[1]), *sums)
    spans = [StoredRelease(name, as_aware(begin), as_aware(last), *sums) for name, (begin, last, *sums) in rows.items()]
    return sorted(spans, key=lambda span: (span.last, span.begin), reverse=True)


def _release(name: str, spans: list[StoredRelease], now: datetime) -> ComparedRelease:
    for span in spans:
        if span.name == name:
            return ComparedRelease(name, span.begin, _end(span, spans, now), span.events, span.blocked_us / 1000)
    raise UnknownReleaseError(f"Nothing is stored of the release {name!r}{''.join(_known(spans))}")


def _end(span: StoredRelease, spans: list[StoredRelease], now: datetime) -> datetime:
    """Return the later of two moments: when the next release was first seen, and the end of the last hour."""
    next_begin = min((other.begin for other in spans if other.begin > span.begin), default=now)
    return max(next_begin, span.last + _HOUR)


def _known(spans: list[StoredRelease]) -> Iterator[str]:
    names = [repr(span.name) for span in spans if span.name]
    if not names:
        yield '. No release is known: set LOOPWATCH["RELEASE"] to the version of your site.'
        return
    yield f". Known are, the latest first: {', '.join(names[:_KNOWN_SHOWN])}"
    yield f" and {len(names) - _KNOWN_SHOWN} more." if len(names) > _KNOWN_SHOWN else "."


def _rate(sums: Sums, release: ComparedRelease) -> Rate:
    return Rate(
        hours=release.hours,
        events=sums.impact.events,
        blocked_ms=sums.impact.blocked_us / 1000,
        longest_ms=sums.impact.longest_us / 1000,
        p95_ms=sums.p95_ms,
    )
