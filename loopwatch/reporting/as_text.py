"""The report as a table for a person: figures first, then what blocked, where, and on which routes.

A terminal of ``WIDE`` columns or more has the names beside the figures, a narrower one beneath them.
"""

from collections.abc import Iterator
from datetime import datetime
from textwrap import wrap

from django.core.management.color import Style
from django.utils import timezone

from loopwatch.certainty import doubt
from loopwatch.durations import human_duration
from loopwatch.models import Finding
from loopwatch.reporting.health import RecordingHealth, errors_in_words
from loopwatch.reporting.report import Report, ReportedFinding
from loopwatch.reporting.terminal import shorten, visible, width_of

WIDE = 130
_NARROWEST = 40
_INDENT = "    "
_GAP = "  "
_ROUTES = 3
_HEADINGS = ("Blocked", "Events", "Longest", "p95", "Delayed", "Last seen")
_EMPTY_STORE = """\
No blocking call has been recorded yet. If there should be one:
  - Is the ASGI application wrapped? In asgi.py: application = LoopWatch(get_asgi_application())
  - Does an ASGI server serve the site? runserver is one only with daphne in INSTALLED_APPS.
  - Is it switched on? LOOPWATCH["ENABLED"] must not be False in the settings of the running site.
  - Has traffic run since? Only steps that last THRESHOLD_MS or longer are recorded.
  - Does the site write to the database this command reads (see --database)?"""


def render_text(report: Report, *, width: int, style: Style) -> str:
    """Lay the report out for ``width`` terminal columns; ``style`` colours it, or leaves it plain."""
    lines = [style.MIGRATE_HEADING(_headline(report)), *_period(report)] if report.stored else [_EMPTY_STORE]
    if report.findings:
        lines += ["", _table(report, max(width, _NARROWEST), style)]
    if len(report.findings) < report.totals.findings:
        lines += ["", f"{len(report.findings)} of {report.totals.findings} findings shown (see --limit)."]
    if report.health.processes:
        lines += ["", *wrap(_footer(report.health), max(width, _NARROWEST))]
    return "\n".join(lines)


def _footer(health: RecordingHealth) -> str:
    """What the processes that record said of themselves; what went well is not spelled out."""
    exceptions = {
        "as a count only": health.thinned,
        "withheld by REDACT": health.withheld,
        "still to be written": health.pending,
        "lost": health.dropped,
        "not delivered to a slow sink": health.undelivered,
    }
    parts = [f"{health.stored:,} stored", *(f"{count:,} {what}" for what, count in exceptions.items() if count)]
    errors = f" Errors: {errors_in_words(health.errors)}." if health.errors else ""
    seen = _counted(health.seen, "stall")
    return f"Recorded by {_processes(health.processes)} in the last days: {seen} seen, {', '.join(parts)}.{errors}"


def _processes(number: int) -> str:
    return f"{number:,} process" + ("" if number == 1 else "es")


def _headline(report: Report) -> str:
    status = "" if report.status == "all" else f"{report.status} "
    if not report.totals.findings:
        return f"No {status}findings (of {_counted(report.stored, 'finding')} stored, see --status and --since)."
    findings = _counted(report.totals.findings, f"{status}finding")
    events = _counted(report.totals.events, "event")
    return f"{findings}: {events} blocked the event loop for {human_duration(report.totals.blocked_ms)} in total"


def _period(report: Report) -> Iterator[str]:
    if report.since:
        yield f"Since {_local(report.since):%Y-%m-%d %H:%M %Z} (totals are kept by the whole hour)"


def _table(report: Report, width: int, style: Style) -> str:
    rows = [_figures(finding) for finding in report.findings]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    heading = style.HTTP_INFO(_aligned(_HEADINGS, widths))
    blocks = (
        "\n".join(_block(_aligned(row, widths), finding, width, style))
        for finding, row in zip(report.findings, rows, strict=True)
    )
    return heading + "\n" + "\n\n".join(blocks)


def _block(figures: str, finding: ReportedFinding, width: int, style: Style) -> Iterator[str]:
    if width < WIDE:
        yield figures
        yield from (_INDENT + line for line in _names(finding, width - len(_INDENT), style))
        return
    margin = len(figures + _GAP)
    first, *others = _names(finding, width - margin, style)
    yield figures + _GAP + first
    yield from (" " * margin + line for line in others)


def _figures(finding: ReportedFinding) -> tuple[str, ...]:
    return (
        human_duration(finding.blocked_ms),
        f"{finding.events:,}",
        human_duration(finding.longest_ms),
        "–" if finding.p95_ms is None else human_duration(finding.p95_ms),
        f"{finding.requests_delayed:,}",
        f"{_local(finding.last_seen):%Y-%m-%d %H:%M}",
    )


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    return _GAP.join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


def _names(finding: ReportedFinding, width: int, style: Style) -> Iterator[str]:
    marks = "".join(f" [{mark}]" for mark in _marks(finding))
    call = style.MIGRATE_LABEL(shorten(visible(finding.blocking_call), width - len(marks)))
    yield call + style.WARNING(marks) if marks else call
    yield from _places(finding, width, style)
    if finding.routes:
        yield _routes(finding.routes, width)


def _places(finding: ReportedFinding, width: int, style: Style) -> Iterator[str]:
    """The function, unless it is the blocking call itself, and where it is."""
    function = f"in {visible(finding.function)}" if finding.function != finding.blocking_call else ""
    place = visible(f"{finding.filename}:{finding.lineno}") if finding.filename else ""
    if function and place and width_of(function + _GAP + place) <= width:
        yield f"{function}{_GAP}{style.HTTP_NOT_MODIFIED(place)}"
        return
    if function:
        yield shorten(function, width)
    if place:
        yield style.HTTP_NOT_MODIFIED(shorten(place, width))


def _marks(finding: ReportedFinding) -> Iterator[str]:
    if finding.reopened:
        yield "reopened"
    elif finding.status != Finding.Status.OPEN:
        yield finding.status
    if word := doubt(exact=finding.exact, blocking_call=finding.blocking_call, function=finding.function):
        yield word


def _routes(routes: tuple[str, ...], width: int) -> str:
    """As many as fit, the most blocked first; only a single one is ever cut."""
    for count in range(min(len(routes), _ROUTES), 1, -1):
        line = ", ".join(map(visible, routes[:count])) + _more(routes, count)
        if width_of(line) <= width:
            return line
    more = _more(routes, 1)
    return shorten(visible(routes[0]), width - len(more)) + more


def _more(routes: tuple[str, ...], count: int) -> str:
    return f" + {len(routes) - count} more" if len(routes) > count else ""


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _local(moment: datetime) -> datetime:
    return timezone.localtime(moment)
