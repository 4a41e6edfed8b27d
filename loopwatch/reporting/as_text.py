"""Renders the report as a table for a terminal: figures first, then what blocked, where, and on which routes.

A terminal of ``WIDE`` columns or more shows the names beside the figures, a narrower one below them.
"""

from collections.abc import Callable, Iterator, Sequence
from textwrap import wrap
from typing import NamedTuple

from django.core.management.color import Style

from loopwatch.escaping.terminal import visible
from loopwatch.reporting import wording
from loopwatch.reporting.as_compact import compact_lines
from loopwatch.reporting.release_change import KINDS
from loopwatch.reporting.report import FINDING, Group, Report, ReportedFinding
from loopwatch.reporting.terminal import shorten, width_of
from loopwatch.reporting.thread_waits import ReportedThreadWait

WIDE = 130
_NARROWEST = 40
_INDENT = "    "
_GAP = "  "
_ROUTES = 3


class _Row(NamedTuple):
    """The figures of one row, and the lines of its names for a number of columns."""

    figures: tuple[str, ...]
    names: Callable[[int], Iterator[str]]


def render_text(report: Report, *, width: int, style: Style, compact: bool = False) -> str:
    """Lay the report out for ``width`` terminal columns; ``style`` colours it, or leaves it plain.

    If it is ``compact``, each finding has one line.
    """
    width = max(width, _NARROWEST)
    if not report.stored:
        blocks = [wording.EMPTY_STORE]
    else:
        headline = map(style.MIGRATE_HEADING, wrap(visible(wording.headline(report)), width))
        blocks = ["\n".join((*headline, *_notes(report, width))), *_tables(report, width, style, compact=compact)]
    blocks += filter(
        None, (wording.left_out(report), *_thread_waits(report, width, style), wording.waits_left_out(report))
    )
    blocks += filter(None, ("\n".join(wrap(visible(wording.recorded_by(report.health)), width)),))
    return "\n\n".join(blocks)


def _notes(report: Report, width: int) -> Iterator[str]:
    for note in wording.notes(report):
        yield from wrap(visible(note), width)


def _tables(report: Report, width: int, style: Style, *, compact: bool) -> Iterator[str]:
    if compact:
        if report.findings:
            yield "\n".join(compact_lines(report.findings, width, style))
    elif report.comparison:
        yield from _changes(report, width, style)
    elif report.group_by != FINDING:
        rows = [_Row(wording.group_figures(group), _group_names(group, report, style)) for group in report.groups]
        yield from _table(wording.GROUP_HEADINGS, rows, width, style)
    else:
        rows = [_Row(wording.finding_figures(finding), _names(finding, style)) for finding in report.findings]
        yield from _table(wording.FINDING_HEADINGS, rows, width, style)


def _changes(report: Report, width: int, style: Style) -> Iterator[str]:
    for kind in KINDS:
        rows = [
            _Row(wording.change_figures(finding.change), _names(finding, style))
            for finding in report.findings
            if finding.change and finding.change.kind == kind
        ]
        if rows:
            yield style.MIGRATE_HEADING(wording.KIND_HEADINGS[kind])
            yield from _table(wording.CHANGE_HEADINGS, rows, width, style)


def _thread_waits(report: Report, width: int, style: Style) -> Iterator[str]:
    rows = [_Row(wording.thread_wait_figures(wait), _holder(wait, style)) for wait in report.thread_waits]
    if rows:
        yield style.MIGRATE_HEADING(wording.THREAD_WAITS)
        yield from _table(wording.THREAD_WAIT_HEADINGS, rows, width, style)


def _holder(wait: ReportedThreadWait, style: Style) -> Callable[[int], Iterator[str]]:
    def names(width: int) -> Iterator[str]:
        yield style.MIGRATE_LABEL(shorten(visible(wording.holder(wait)), width))
        yield shorten(visible(wording.whose_thread(wait)), width)
        if wait.routes:
            yield _routes(wait.routes, width)

    return names


def _table(headings: Sequence[str], rows: list[_Row], width: int, style: Style) -> Iterator[str]:
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(headings, *(row.figures for row in rows), strict=True)]
    heading, *others = (_aligned(cells, widths) for cells in (headings, *(row.figures for row in rows)))
    blocks = ["\n".join(_block(line, row, width)) for line, row in zip(others, rows, strict=True)]
    yield style.HTTP_INFO(heading) + "\n" + "\n\n".join(blocks)


def _block(figures: str, row: _Row, width: int) -> Iterator[str]:
    if width < WIDE:
        yield figures
        yield from (_INDENT + line for line in row.names(width - len(_INDENT)))
        return
    margin = len(figures + _GAP)
    first, *others = row.names(width - margin)
    yield figures + _GAP + first
    yield from (" " * margin + line for line in others)


def _aligned(cells: Sequence[str], widths: list[int]) -> str:
    return _GAP.join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


def _group_names(group: Group, report: Report, style: Style) -> Callable[[int], Iterator[str]]:
    def names(width: int) -> Iterator[str]:
        yield style.MIGRATE_LABEL(shorten(visible(wording.group_name(group, report.group_by)), width))
        if group.worst not in {"", group.name}:
            yield shorten(visible(f"mostly {group.worst}" if group.findings > 1 else group.worst), width)

    return names


def _names(finding: ReportedFinding, style: Style) -> Callable[[int], Iterator[str]]:
    def names(width: int) -> Iterator[str]:
        marks = "".join(f" [{visible(mark)}]" for mark in wording.marks(finding))
        call = style.MIGRATE_LABEL(shorten(visible(finding.headline), width - len(marks)))
        yield call + style.WARNING(marks) if marks else call
        yield from _places(finding, width, style)
        if finding.source:
            yield shorten(visible(" ".join(finding.source.split())), width)
        if notes := wording.step_notes(finding):
            yield shorten(visible(notes), width)
        if finding.routes:
            yield _routes(finding.routes, width)

    return names


def _places(finding: ReportedFinding, width: int, style: Style) -> Iterator[str]:
    """Return the function, unless it is the blocking call itself, and its place."""
    function = f"in {visible(finding.function)}" if finding.function != finding.headline else ""
    place = visible(finding.place)
    if function and place and width_of(function + _GAP + place) <= width:
        yield f"{function}{_GAP}{style.HTTP_NOT_MODIFIED(place)}"
        return
    if function:
        yield shorten(function, width)
    if place:
        yield style.HTTP_NOT_MODIFIED(shorten(place, width))


def _routes(routes: tuple[str, ...], width: int) -> str:
    """Return as many routes as fit, the most blocked first; only a single one is ever cut."""
    for count in range(min(len(routes), _ROUTES), 1, -1):
        line = ", ".join(map(visible, routes[:count])) + _more(routes, count)
        if width_of(line) <= width:
            return line
    more = _more(routes, 1)
    return shorten(visible(routes[0]), width - len(more)) + more


def _more(routes: tuple[str, ...], count: int) -> str:
    return f" + {len(routes) - count} more" if len(routes) > count else ""
