"""Builds the page that compares two releases: which findings are new, worse, gone and better, per hour of service."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loopwatch.models import Finding
from loopwatch.reporting.comparison_report import Compared, compare, compared_releases, stored_releases
from loopwatch.reporting.release_change import BETTER, GONE, NEW, SAME, WORSE, Change, ComparedRelease
from loopwatch.reporting.selection import ALL, Selection

SHOWN = 20
KEPT = timedelta(days=30)
"""Releases that were last in service before this time are not offered: their hours would take long to be added up."""
_LABELS: dict[str, Promise] = {
    NEW: _("New"),
    WORSE: _("Worse"),
    GONE: _("Gone"),
    BETTER: _("Better"),
    SAME: _("About the same"),
}


@dataclass(frozen=True, slots=True)
class KindOfChange:
    """The findings that changed in one way, the largest change first, and how many there are in all."""

    label: Promise
    rows: list[tuple[Finding, Change]]
    count: int


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """The ``names`` of the known releases, the latest first, and the comparison of two; without two, there is none.

    ``unknown`` are the releases that were asked for, and of which nothing is stored.
    """

    names: list[str]
    unknown: Sequence[str] = ()
    before: ComparedRelease | None = None
    after: ComparedRelease | None = None
    kinds: Sequence[KindOfChange] = ()


def release_page(before: str | None, after: str | None, using: str | None) -> ReleasePage:
    """Compare the releases, by default the latest one with the one before it, by four queries."""
    now = datetime.now(UTC)
    selection = Selection(since=now - KEPT, status=ALL, using=using)
    stored = stored_releases(selection)
    names = [release.name for release in stored if release.name]
    unknown = [name for name in (before, after) if name and name not in names]
    after = after or next(iter(names), "")
    earlier = names[names.index(after) + 1 :] if after in names else []
    before = before or next(iter(earlier), "")
    if unknown or not before or before == after:
        return ReleasePage(names, unknown)
    first, second = compared_releases(stored, before, after, now)
    return ReleasePage(names, unknown, first, second, list(_kinds(compare(selection, first, second), using)))


def _kinds(rows: list[Compared], using: str | None) -> Iterator[KindOfChange]:
    by_kind = {kind: [row for row in rows if row.change.kind == kind] for kind in _LABELS}
    shown = [row.finding_id for rows in by_kind.values() for row in rows[:SHOWN]]
    findings = Finding.objects.using(using).in_bulk(shown)
    for kind, of_kind in by_kind.items():
        # A finding may have been deleted since its figures were read.
        found = [(findings[row.finding_id], row.change) for row in of_kind[:SHOWN] if row.finding_id in findings]
        if of_kind:
            yield KindOfChange(_LABELS[kind], found, len(of_kind))
