"""Renders the report as one HTML file that can be mailed: it loads no other file and runs no script.

A separate template engine renders it, so that the templates and context processors of a site do not matter.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.template import Context, Engine
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _

from loopwatch.escaping.html_name import breakable
from loopwatch.escaping.terminal import visible
from loopwatch.reporting import wording
from loopwatch.reporting.event_cure import advice_on_finding
from loopwatch.reporting.release_change import KINDS
from loopwatch.reporting.report import FINDING, Group, Report, ReportedFinding
from loopwatch.stored_time import as_local

_TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
_ROUTES = 5


@dataclass(frozen=True, slots=True)
class TableRow:
    """A finding or a group: its figures in the order of the headings, and its share of the largest row."""

    name: str
    figures: Sequence[tuple[str, str]]
    percent: int
    marks: Sequence[str] = ()
    note: str = ""
    relation: str = ""
    function: str = ""
    place: str = ""
    source: str = ""
    routes: Sequence[str] = ()
    more_routes: int = 0
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the report; ``title`` is empty if the table needs none."""

    title: str
    first_heading: str
    headings: Sequence[str]
    rows: Sequence[TableRow]


def render_html(report: Report) -> str:
    """Render the whole file. Everything that comes from the store is escaped."""
    engine = Engine(
        dirs=[str(_TEMPLATES)],
        libraries={"i18n": "django.templatetags.i18n"},
        builtins=["django.templatetags.i18n"],
    )
    context = {
        "headline": visible(wording.headline(report)) if report.stored else "",
        "empty": "" if report.stored else wording.EMPTY_STORE,
        "notes": [visible(note) for note in wording.notes(report)],
        "generated_at": f"{wording.when(report.generated_at)} {as_local(report.generated_at):%Z}",
        "tables": [table for table in (*_tables(report), _thread_waits(report)) if table.rows],
        "left_out": " ".join(filter(None, (wording.left_out(report), wording.waits_left_out(report)))),
        "recorded_by": visible(wording.recorded_by(report.health)),
        "language": get_language() or "en",
        "direction": "rtl" if get_language_bidi() else "ltr",
    }
    return engine.get_template("loopwatch/report.html").render(Context(context))


def _tables(report: Report) -> Iterator[Table]:
    if report.comparison:
        for kind in KINDS:
            yield _changes(kind, report.findings)
    elif report.group_by != FINDING:
        largest_ms = max((group.blocked_ms for group in report.groups), default=0.0)
        rows = [_group(group, report.group_by, largest_ms) for group in report.groups]
        yield Table("", report.group_by.capitalize(), wording.GROUP_HEADINGS, rows)
    else:
        largest_ms = max((finding.blocked_ms for finding in report.findings), default=0.0)
        rows = [
            _finding(
                each, wording.FINDING_HEADINGS, wording.finding_figures(each), _percent(each.blocked_ms, largest_ms)
            )
            for each in report.findings
        ]
        yield Table("", "Blocking call", wording.FINDING_HEADINGS, rows)


def _changes(kind: str, findings: Iterable[ReportedFinding]) -> Table:
    changed = [(each, each.change) for each in findings if each.change and each.change.kind == kind]
    rows = [_finding(each, wording.CHANGE_HEADINGS, wording.change_figures(change), 0) for each, change in changed]
    return Table(wording.KIND_HEADINGS[kind], "Blocking call", wording.CHANGE_HEADINGS, rows)


def _finding(finding: ReportedFinding, headings: Sequence[str], figures: Sequence[str], percent: int) -> TableRow:
    return TableRow(
        name=_name(finding.headline),
        figures=list(zip(headings, figures, strict=True)),
        percent=percent,
        marks=[visible(mark) for mark in wording.marks(finding)],
        relation=_("in"),
        function="" if finding.function == finding.headline else _name(finding.function),
        place=_name(finding.place),
        source=visible(finding.source),
        note=visible(wording.step_notes(finding)),
        routes=[_name(route) for route in finding.routes[:_ROUTES]],
        more_routes=max(0, len(finding.routes) - _ROUTES),
        cure=_(advice_on_finding(finding).cure),
    )


def _group(group: Group, group_by: str, largest_ms: float) -> TableRow:
    return TableRow(
        name=_name(wording.group_name(group, group_by)),
        figures=list(zip(wording.GROUP_HEADINGS, wording.group_figures(group), strict=True)),
        percent=_percent(group.blocked_ms, largest_ms),
        relation=_("mostly") if group.findings > 1 else "",
        function="" if group.worst == group.name else _name(group.worst),
    )


def _thread_waits(report: Report) -> Table:
    largest_ms = max((wait.waited_ms for wait in report.thread_waits), default=0.0)
    rows = [
        TableRow(
            name=_name(wording.holder(wait)),
            figures=list(zip(wording.THREAD_WAIT_HEADINGS, wording.thread_wait_figures(wait), strict=True)),
            percent=_percent(wait.waited_ms, largest_ms),
            note=visible(wording.whose_thread(wait)),
            routes=[_name(route) for route in wait.routes[:_ROUTES]],
            more_routes=max(0, len(wait.routes) - _ROUTES),
        )
        for wait in report.thread_waits
    ]
    return Table(wording.THREAD_WAITS, "Held by", wording.THREAD_WAIT_HEADINGS, rows)


def _percent(part: float, whole: float) -> int:
    return round(100 * part / whole) if whole else 0


def _name(text: str) -> str:
    return breakable(visible(text))
