"""Renders findings on one line each for a terminal: figures, then the call, its place, and its route if that fits."""

from collections.abc import Iterator, Sequence

from django.core.management.color import Style

from loopwatch.escaping.terminal import visible
from loopwatch.reporting import wording
from loopwatch.reporting.report import ReportedFinding
from loopwatch.reporting.terminal import shorten, width_of

_GAP = "  "
_SHORTEST_CALL = 12


def compact_lines(findings: Sequence[ReportedFinding], width: int, style: Style) -> Iterator[str]:
    """Yield a heading and the lines, each at most ``width`` terminal columns wide."""
    rows = [wording.compact_figures(finding) for finding in findings]
    widths = [max(map(len, column)) for column in zip(wording.COMPACT_HEADINGS, *rows, strict=True)]
    heading, *figures = (
        _GAP.join(cell.rjust(cell_width) for cell, cell_width in zip(cells, widths, strict=True))
        for cells in (wording.COMPACT_HEADINGS, *rows)
    )
    yield style.HTTP_INFO(heading)
    for each, finding in zip(figures, findings, strict=True):
        yield each + _GAP + _names(finding, max(width - len(each + _GAP), 1), style)


def _names(finding: ReportedFinding, width: int, style: Style) -> str:
    """Return the call, the whole place if there is room for it, and the route if there is room for that too."""
    call, place = visible(finding.headline), visible(finding.place or finding.function)
    room = width - width_of(_GAP + place)
    if room < _SHORTEST_CALL:
        return style.MIGRATE_LABEL(shorten(call, width))
    call = shorten(call, room)
    names = style.MIGRATE_LABEL(call) + _GAP + style.HTTP_NOT_MODIFIED(place)
    route = _GAP + visible(finding.routes[0]) if finding.routes else ""
    return names + route if width_of(call + _GAP + place + route) <= width else names
