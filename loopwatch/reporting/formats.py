"""Lists the formats of the report by name, with what each can print."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.core.management.color import Style, no_style
from django.db.models import OuterRef, Subquery

from loopwatch.models import BlockingEvent, Finding
from loopwatch.reporting import wording
from loopwatch.reporting.as_collapsed import render_collapsed
from loopwatch.reporting.as_csv import render_csv
from loopwatch.reporting.as_flake8_async import blocks_its_callers, render_flake8_async
from loopwatch.reporting.as_github import render_github
from loopwatch.reporting.as_html import render_html
from loopwatch.reporting.as_json import render_json
from loopwatch.reporting.as_markdown import render_markdown
from loopwatch.reporting.as_patch import render_patch
from loopwatch.reporting.as_sarif import outside, render_sarif
from loopwatch.reporting.as_speedscope import render_speedscope
from loopwatch.reporting.as_text import render_text
from loopwatch.reporting.flame import FlameGraph, flame_of
from loopwatch.reporting.report import Report, ReportedFinding
from loopwatch.reporting.repository import Repository
from loopwatch.rows.stacks import read_stacks
from loopwatch.stored_time import as_stored

_TOLD = 10
EVENTS_MERGED = 5_000
FINDINGS_MERGED = 500
"""A flame graph is made of at most so many events, the slowest, of at most so many findings, the first."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The terminal and the repository that a report is printed for, and the database with its stacks.

    ``compact`` text has one line for each finding.
    """

    width: int = 80
    style: Style = no_style()  # noqa: RUF009 - the same for all, never changed
    repository: str | None = None
    using: str | None = None
    compact: bool = False


@dataclass(frozen=True, slots=True)
class Printed:
    """A report in its format, and remarks on what the format could not show."""

    text: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Format:
    """A format; ``prints_groups`` and ``prints_changes`` say whether it can show groups and comparisons."""

    print: Callable[[Report, Surroundings], Printed]
    prints_groups: bool = True
    prints_changes: bool = True


def _text(report: Report, surroundings: Surroundings) -> Printed:
    text = render_text(report, width=surroundings.width, style=surroundings.style, compact=surroundings.compact)
    return Printed(text)


def _sarif(report: Report, surroundings: Surroundings) -> Printed:
    repository = Repository(surroundings.repository)
    remarks = tuple(_no_results(outside(report, repository), repository))
    newest = _newest_with_stack(report, surroundings.using, is_exact=False)
    stacks = {
        name: samples[0].frames for name, event in newest.items() if (samples := read_stacks(event.stacks).values)
    }
    return Printed(render_sarif(report, repository, stacks), remarks)


def _flake8_async(report: Report, surroundings: Surroundings) -> Printed:
    repository = Repository(surroundings.repository)
    without = sum(not blocks_its_callers(finding, repository) for finding in report.findings)
    why = f"in a coroutine function, in one that no module can name, or outside of {repository.root}"
    remarks = (f"{wording.counted(without, 'finding')} left out: {why}.",) if without else ()
    return Printed(render_flake8_async(report, repository), remarks)


def _no_results(findings: list[ReportedFinding], repository: Repository) -> Iterator[str]:
    if findings:
        counted = wording.counted(len(findings), "finding")
        yield f"{counted} outside of the repository {repository.root}, and so no result (is --repository right?):"
    for finding in findings[:_TOLD]:
        yield f"  {finding.headline} in {finding.function} ({finding.place or 'no file is known'})"
    if len(findings) > _TOLD:
        yield f"  and {len(findings) - _TOLD} more"


def _patch(report: Report, surroundings: Surroundings) -> Printed:
    repository = Repository(surroundings.repository)
    patch = render_patch(report, _newest_with_stack(report, surroundings.using, is_exact=True), repository)
    without = len(report.findings) - patch.findings
    if not without:
        return Printed(patch.text)
    counted = wording.counted(without, "finding")
    why = "no certain rewriting, a line that has changed since, or a file outside of"
    return Printed(patch.text, (f"{counted} left out: {why} {repository.root}.",))


def _newest_with_stack(report: Report, using: str | None, *, is_exact: bool) -> dict[str, BlockingEvent]:
    """Return the newest event of each finding, or the newest with a certain call, by fingerprint."""
    events = BlockingEvent.objects.filter(finding=OuterRef("pk"), exact__in=(True, is_exact))
    listed = [finding.fingerprint for finding in report.findings[:FINDINGS_MERGED]]
    newest = events.order_by("-started_at", "-pk").values("pk")[:1]
    chosen = Finding.objects.filter(fingerprint__in=listed).values_list(Subquery(newest))
    events = BlockingEvent.objects.using(using).filter(pk__in=chosen).select_related("finding")
    return {event.finding.fingerprint: event for event in events}


def _speedscope(report: Report, surroundings: Surroundings) -> Printed:
    graph = _flame(report, surroundings)
    return Printed(render_speedscope(graph, wording.headline(report)), _merged(graph, report))


def _collapsed(report: Report, surroundings: Surroundings) -> Printed:
    graph = _flame(report, surroundings)
    return Printed(render_collapsed(graph), _merged(graph, report))


def _flame(report: Report, surroundings: Surroundings) -> FlameGraph:
    """Merge the stacks of the listed findings, as far as their events are kept."""
    events = BlockingEvent.objects.using(surroundings.using).filter(
        finding__fingerprint__in=[finding.fingerprint for finding in report.findings[:FINDINGS_MERGED]]
    )
    if report.since:
        events = events.filter(started_at__gte=as_stored(report.since))
    return flame_of(events.order_by("-duration_us", "-pk"), EVENTS_MERGED)


def _merged(graph: FlameGraph, report: Report) -> tuple[str, ...]:
    remarks = [f"Merged from the stacks of {wording.counted(graph.merged, 'event')}, of those that are kept."]
    if len(report.findings) > FINDINGS_MERGED:
        remarks.append(f"They are of the first {FINDINGS_MERGED} findings: choose fewer with --limit or --since.")
    if graph.without_stack:
        remarks.append(f"{wording.counted(graph.without_stack, 'event')} had no stack.")
    if graph.damaged:
        remarks.append(f"Stacks of {wording.counted(graph.damaged, 'event')} cannot be read, and are left out.")
    if graph.left_out:
        remarks.append(f"{wording.counted(graph.left_out, 'event')} left out: there were too many different frames.")
    return tuple(remarks)


FORMATS = {
    "text": Format(_text),
    "json": Format(lambda report, _: Printed(render_json(report))),
    "csv": Format(lambda report, _: Printed(render_csv(report))),
    "markdown": Format(lambda report, _: Printed(render_markdown(report))),
    "html": Format(lambda report, _: Printed(render_html(report))),
    "sarif": Format(_sarif, prints_groups=False),
    "github": Format(
        lambda report, surroundings: Printed(render_github(report, Repository(surroundings.repository))),
        prints_groups=False,
    ),
    "flake8-async": Format(_flake8_async, prints_groups=False, prints_changes=False),
    "patch": Format(_patch, prints_groups=False, prints_changes=False),
    "speedscope": Format(_speedscope, prints_groups=False, prints_changes=False),
    "collapsed": Format(_collapsed, prints_groups=False, prints_changes=False),
}
