"""Decides whether a report fails a build: because findings are new, have regressed, or exist.

All findings that match are judged, not only those listed. Ignored findings fail only a report about ignored findings.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from loopwatch.models import Finding
from loopwatch.reporting.comparison_report import compare, releases
from loopwatch.reporting.finding_report import figures_of
from loopwatch.reporting.release_change import NEW, WORSE
from loopwatch.reporting.selection import ALL, Selection
from loopwatch.stored_time import as_aware
from loopwatch.wording.durations import human_duration

ANY, REGRESSED = "any", "regressed"
CONDITIONS = (NEW, ANY, REGRESSED)

_BATCH = 500

# Only an ignored finding has these conditions; one that waited for any new release may have been resolved or ignored.
_OF_IGNORED = frozenset({Finding.ReopenWhen.RELEASE, Finding.ReopenWhen.LONGER, Finding.ReopenWhen.MORE})


@dataclass(frozen=True, slots=True)
class FailOn:
    """A finding fails if it meets one of the ``conditions`` and its longest event took ``over_ms`` or more.

    ``new`` findings were not seen before ``since``, or in the first of the ``compared`` releases; without either, none
    is new. ``regressed`` findings were resolved and seen again within the period, or are worse than in that release.
    """

    conditions: frozenset[str]
    over_ms: float = 0.0
    compared: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A finding that fails, and the reason."""

    finding: str
    reason: str
    longest_ms: float

    def __str__(self) -> str:
        return f"{self.finding} ({self.reason}, up to {human_duration(self.longest_ms)})"


@dataclass(frozen=True, slots=True)
class _Candidate:
    finding_id: int
    longest_ms: float
    blocked_ms: float
    kind: str = ""


def failures(fail_on: FailOn, selection: Selection) -> list[Failure]:
    """Return every finding that fails, those that blocked most first.

    Raises ``UnknownReleaseError`` for the compared releases.
    """
    candidates = [each for each in _candidates(fail_on, selection) if each.longest_ms >= fail_on.over_ms]
    candidates.sort(key=lambda each: (-each.blocked_ms, each.finding_id))
    return list(_judged(candidates, fail_on, selection))


def _candidates(fail_on: FailOn, selection: Selection) -> Iterator[_Candidate]:
    if fail_on.compared is None:
        for row in figures_of(selection):
            yield _Candidate(row.finding_id, row.impact.longest_us / 1000, row.impact.blocked_us / 1000)
        return
    for compared in compare(selection, *releases(selection, *fail_on.compared, datetime.now(UTC))):
        after = compared.change.after
        if after.events:
            yield _Candidate(compared.finding_id, after.longest_ms, after.blocked_ms, compared.change.kind)


def _judged(candidates: list[_Candidate], fail_on: FailOn, selection: Selection) -> Iterator[Failure]:
    findings = selection.stored.exclude(status=Finding.Status.IGNORED) if selection.status == ALL else selection.stored
    for start in range(0, len(candidates), _BATCH):
        batch = candidates[start : start + _BATCH]
        found = findings.in_bulk([each.finding_id for each in batch])
        for each in batch:
            finding = found.get(each.finding_id)
            if finding and (reason := _first(_reasons(each, finding, fail_on, selection), fail_on)):
                yield Failure(str(finding), reason, each.longest_ms)


def _first(reasons: Iterable[tuple[str, str]], fail_on: FailOn) -> str:
    return next((reason for condition, reason in reasons if condition in fail_on.conditions), "")


def _reasons(
    candidate: _Candidate, finding: Finding, fail_on: FailOn, selection: Selection
) -> Iterator[tuple[str, str]]:
    """Yield the conditions that a finding meets, with the reason for each."""
    since = selection.since
    if fail_on.compared:
        if candidate.kind == NEW:
            yield NEW, f"not in {fail_on.compared[0]}"
        if candidate.kind == WORSE:
            yield REGRESSED, f"worse than in {fail_on.compared[0]}"
    elif since and as_aware(finding.first_seen) >= since:
        yield NEW, "new"
    reopened_at = finding.reopened_at if finding.status == Finding.Status.OPEN else None
    if reopened_at and finding.reopen_when not in _OF_IGNORED and (since is None or as_aware(reopened_at) >= since):
        yield REGRESSED, "seen in a new release" if finding.reopen_when else "seen again after being resolved"
    yield ANY, "seen"
