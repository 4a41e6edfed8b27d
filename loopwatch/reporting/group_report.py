"""Builds a report of groups of findings that have something in common, from hourly totals."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import NamedTuple

from loopwatch.headline import headline
from loopwatch.impact import NO_IMPACT
from loopwatch.reporting.aggregates import NO_SUMS, Sums, sums_of
from loopwatch.reporting.recording_health import recording_health
from loopwatch.reporting.report import Group, Report, Totals
from loopwatch.reporting.selection import SORTS, Selection

Rows = Iterable[tuple[int, tuple[str, ...], Sums]]


class _GroupedFinding(NamedTuple):
    """The columns of a finding that decide its group, in the order of the query."""

    blocking_call: str
    called_name: str
    function: str
    filename: str
    cause: str

    def __str__(self) -> str:
        return f"{headline(called=self.called_name, detail=self.blocking_call)} in {self.function}"


@dataclass(frozen=True, slots=True)
class _Grouping:
    """Columns to sum by, besides the finding, and a function that names the group."""

    columns: tuple[str, ...]
    name: Callable[[_GroupedFinding, tuple[str, ...]], str]


@dataclass(slots=True)
class _Members:
    sums: Sums = NO_SUMS
    blocked_us: dict[int, int] = field(default_factory=lambda: defaultdict(int))


def module_of(function: str, filename: str) -> str:
    """Return the module part of a qualified name: as much of it as the file's path ends with.

    If the path has no part of the name, return everything before the first class, or else before the function.
    """
    parts = function.split(".")
    path = "." + filename.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for count in range(len(parts) - 1, 0, -1):
        if path.endswith("." + ".".join(parts[:count])):
            return ".".join(parts[:count])
    outer = [part for part in parts[:-1] if part != "<locals>"]
    classes = (index for index, part in enumerate(outer) if part[:1].isupper() or part.startswith("<"))
    return ".".join(outer[: next(classes, len(outer))]) or function


GROUPINGS = {
    "route": _Grouping(("method", "route"), lambda _, values: " ".join(values).strip()),
    "function": _Grouping((), lambda finding, _: finding.function),
    "module": _Grouping((), lambda finding, _: module_of(finding.function, finding.filename)),
    "release": _Grouping(("release",), lambda _, values: values[0]),
    "cause": _Grouping((), lambda finding, _: finding.cause),
}


def build_grouped_report(selection: Selection, group_by: str) -> Report:
    """Report the largest groups by a key of ``GROUPINGS``; the totals include all groups."""
    grouping = GROUPINGS[group_by]
    rows = list(sums_of(selection.totals, *grouping.columns))
    groups = largest_first(list(_groups(rows, _findings(selection), grouping)), selection.sort)
    return Report(
        generated_at=datetime.now(UTC),
        since=selection.begin,
        status=selection.status,
        stored=selection.stored.count(),
        totals=_totals(rows),
        health=recording_health(selection.using),
        group_by=group_by,
        groups=tuple(groups[: selection.limit]),
        groups_in_all=len(groups),
    )


def _findings(selection: Selection) -> dict[int, _GroupedFinding]:
    rows = selection.findings.values_list("pk", *_GroupedFinding._fields)
    return {pk: _GroupedFinding(*columns) for pk, *columns in rows}


def _groups(rows: Rows, findings: dict[int, _GroupedFinding], grouping: _Grouping) -> Iterator[Group]:
    groups: dict[str, _Members] = defaultdict(_Members)
    for finding_id, values, sums in rows:
        # A finding may have been added since they were read.
        if finding := findings.get(finding_id):
            members = groups[grouping.name(finding, values)]
            members.sums += sums
            members.blocked_us[finding_id] += sums.impact.blocked_us
    for name, members in groups.items():
        worst = max(members.blocked_us, key=members.blocked_us.__getitem__)
        yield _group(name, members.sums, len(members.blocked_us), str(findings[worst]))


def _group(name: str, sums: Sums, findings: int, worst: str) -> Group:
    return Group(
        name=name,
        findings=findings,
        **sums.impact.reported(),
        p95_ms=sums.p95_ms,
        worst=worst,
    )


def largest_first(groups: list[Group], sort: str) -> list[Group]:
    """Sort by the selected figure, then by time blocked, then by name, so that the order is always the same."""
    figure = attrgetter(SORTS[sort].replace("_us", "_ms"))
    return sorted(groups, key=lambda group: (-(figure(group) or 0), -group.blocked_ms, group.name))


def _totals(rows: Rows) -> Totals:
    total = sum((sums.impact for _, _, sums in rows), NO_IMPACT)
    return Totals(len({finding_id for finding_id, _, _ in rows}), total.events, total.blocked_us / 1000)
