"""Words the headlines, notes, figures and marks that all formats for people share."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from loopwatch.headline import and_elsewhere, at_least, part_at_line
from loopwatch.models import Finding, ThreadWaitTotal
from loopwatch.reporting.recording_health import RecordingHealth, errors_in_words
from loopwatch.reporting.release_change import BETTER, GONE, NEW, SAME, WORSE, Change, ComparedRelease, Comparison, Rate
from loopwatch.reporting.report import FINDING, HOST, Group, Report, ReportedFinding
from loopwatch.reporting.thread_waits import ReportedThreadWait
from loopwatch.stored_time import as_local
from loopwatch.wording.delays import delayed_cell
from loopwatch.wording.durations import human_duration
from loopwatch.wording.findings import GIL_HELD, doubt

FINDING_HEADINGS = ("Blocked", "Events", "Longest", "p95", "Delayed", "Last seen")
COMPACT_HEADINGS = ("Impact", "Blocked", "Events", "p95")
THREAD_WAIT_HEADINGS = ("Waited", "Waits", "At once", "Longest")
THREAD_WAITS = "Thread waits, by the call that held the thread"
GROUP_HEADINGS = ("Blocked", "Events", "Longest", "p95", "Delayed", "Findings")
CHANGE_HEADINGS = ("Blocked/h", "Events/h", "p95", "Longest")
KIND_HEADINGS = {NEW: "New", WORSE: "Worse", GONE: "Gone", BETTER: "Better", SAME: "About the same"}
EMPTY_STORE = """\
No blocking call has been recorded yet. If you expected one, check:
  - Is the ASGI application wrapped? In asgi.py: application = LoopWatch(get_asgi_application())
  - Does an ASGI server serve the site? runserver is one only with daphne in INSTALLED_APPS.
  - Is loopwatch enabled? LOOPWATCH["ENABLED"] must not be False in the settings of the running site.
  - Has the site had traffic since? Only steps of THRESHOLD_MS or longer are recorded (--steps counts shorter ones).
  - Does the site write to the database that this command reads (see --database)?"""
_NAMELESS = {"route": "no route", "release": "no release", "host": "no host", "cause": "no cause"}


def headline(report: Report) -> str:
    """Sum up the report in one sentence."""
    if report.comparison:
        return _changes(report.comparison)
    status = "" if report.status == "all" else f"{report.status} "
    if not report.totals.findings:
        return f"No {status}findings ({counted(report.stored, 'finding')} stored; see --status and --since)."
    findings = counted(report.totals.findings, f"{status}finding")
    events = counted(report.totals.events, "event")
    return f"{findings}: {events} blocked the event loop for {human_duration(report.totals.blocked_ms)} in total"


def notes(report: Report) -> Iterator[str]:
    """Yield what a reader needs to know to interpret the figures."""
    if report.since:
        yield f"Since {when(report.since)} {as_local(report.since):%Z} (totals are kept per hour)"
    if report.comparison:
        yield from map(_in_service, (report.comparison.before, report.comparison.after))
    rows: Iterable[ReportedFinding | Group] = (*report.findings, *report.groups)
    if report.comparison is None and any(row.requests_kept_out for row in rows):
        yield "Delayed: requests in flight + requests kept out (~, an estimate)"
    if report.group_by == HOST:
        yield "All findings, regardless of status. The findings of a host are known only from stored events."


def left_out(report: Report) -> str:
    """Say how many rows are listed, or nothing if all are."""
    if report.comparison:
        shown, total = len(report.findings), sum(report.comparison.counts.values())
    elif report.group_by == FINDING:
        shown, total = len(report.findings), report.totals.findings
    else:
        shown, total = len(report.groups), report.groups_in_all
    what = "findings" if report.group_by == FINDING else "groups"
    return f"{shown} of {total} {what} shown (see --limit)." if shown < total else ""


def waits_left_out(report: Report) -> str:
    """Say how many calls that held a thread are listed, or nothing if all are."""
    shown, total = len(report.thread_waits), report.thread_waits_in_all
    return f"{shown} of {total} calls that held a thread shown (see --limit)." if shown < total else ""


def recorded_by(health: RecordingHealth) -> str:
    """Say what the recording processes reported about themselves, or nothing if none has."""
    if not health.processes:
        return ""
    exceptions = {
        "counted without details": health.thinned,
        "not examined": health.unexamined,
        "withheld by REDACT": health.withheld,
        "waiting to be written": health.pending,
        "lost": health.dropped,
        "not delivered to a slow sink": health.undelivered,
    }
    parts = [f"{health.stored:,} stored", *(f"{count:,} {what}" for what, count in exceptions.items() if count)]
    errors = f" Errors: {errors_in_words(health.errors)}." if health.errors else ""
    processes = f"{health.processes:,} process" + ("" if health.processes == 1 else "es")
    return (
        f"Recorded by {processes} in the last 7 days: {counted(health.seen, 'stall')} detected, "
        f"{', '.join(parts)}.{errors}"
    )


def finding_figures(finding: ReportedFinding) -> tuple[str, ...]:
    """Return the figures in the order of ``FINDING_HEADINGS``."""
    return (*_figures(finding), when(finding.last_seen))


def compact_figures(finding: ReportedFinding) -> tuple[str, ...]:
    """Return the figures in the order of ``COMPACT_HEADINGS``."""
    blocked, events, _longest, p95, _delayed = _figures(finding)
    return human_duration(finding.impact_ms), blocked, events, p95


def thread_wait_figures(wait: ReportedThreadWait) -> tuple[str, ...]:
    """Return the figures in the order of ``THREAD_WAIT_HEADINGS``."""
    waits = f"{wait.waits:,}" if wait.waits else "ongoing"
    return human_duration(wait.waited_ms), waits, f"{wait.most_waiting:,}", human_duration(wait.longest_ms)


def holder(wait: ReportedThreadWait) -> str:
    return wait.held_by or "unknown"


def whose_thread(wait: ReportedThreadWait) -> str:
    """Say which kind of thread was held, how many of several, and for which request most of the time."""
    if wait.thread == ThreadWaitTotal.Thread.EXECUTOR:
        thread = f"{wait.threads_held} of the default executor's {counted(wait.threads, 'thread')}"
    else:
        thread = "the request's own thread" if wait.thread == ThreadWaitTotal.Thread.REQUEST else "the process's thread"
    return f"{thread}, held for {wait.held_for[0]}" if wait.held_for else thread


def group_figures(group: Group) -> tuple[str, ...]:
    """Return the figures in the order of ``GROUP_HEADINGS``."""
    return (*_figures(group), f"{group.findings:,}")


def change_figures(change: Change) -> tuple[str, ...]:
    """Return the figures in the order of ``CHANGE_HEADINGS``: before and after, or the one that exists."""
    sides = [rate for rate in (change.before, change.after) if rate.events]
    return tuple(" → ".join(cells) for cells in zip(*map(_rate, sides), strict=True))


def group_name(group: Group, group_by: str) -> str:
    return group.name or _NAMELESS.get(group_by, "unknown")


def marks(finding: ReportedFinding) -> Iterator[str]:
    """Yield what is special about a finding, in a few words each."""
    if finding.reopened:
        yield "reopened"
    elif finding.status != Finding.Status.OPEN:
        yield finding.status
    if finding.cause == GIL_HELD:
        yield GIL_HELD
    if word := doubt(exact=finding.exact, blocking_call=finding.blocking_call, function=finding.function):
        yield word
    if finding.events_without_route:
        yield f"{counted(finding.events_without_route, 'event')} without a route"
    if finding.change and finding.change.is_early:
        yield "too early to tell"


def besides(finding: ReportedFinding) -> str:
    """Return the second place in the step in words, or ``""``."""
    if not finding.other_ms:
        return ""
    duration = human_duration(finding.other_ms)
    if (finding.other_function, finding.other_called_name) == (finding.function, finding.called_name):
        return part_at_line(duration, finding.other_lineno)
    return and_elsewhere(duration, finding.other_called_name, finding.other_function, finding.other_lineno)


def step_notes(finding: ReportedFinding) -> str:
    """Say what else is known of the newest step: how many calls were seen, and its second place."""
    return "; ".join(filter(None, (at_least(finding.calls_seen), besides(finding))))


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def when(moment: datetime) -> str:
    return f"{as_local(moment):%Y-%m-%d %H:%M}"


def release_name(release: ComparedRelease) -> str:
    return release.name or _NAMELESS["release"]


def _changes(comparison: Comparison) -> str:
    before, after = release_name(comparison.before), release_name(comparison.after)
    counts = ", ".join(f"{count:,} {KIND_HEADINGS[kind].lower()}" for kind, count in comparison.counts.items())
    return f"From {before} to {after}: {counts}"


def _in_service(release: ComparedRelease) -> str:
    return (
        f"{release_name(release)}: {when(release.begin)} to {when(release.end)}, "
        f"{counted(release.events, 'event')}, {human_duration(release.blocked_ms)} blocked, "
        f"{human_duration(release.blocked_ms / release.hours)} per hour"
    )


def _figures(row: ReportedFinding | Group) -> tuple[str, ...]:
    return (
        human_duration(row.blocked_ms),
        f"{row.events:,}",
        human_duration(row.longest_ms),
        _or_dash(row.p95_ms),
        delayed_cell(row.requests_delayed, row.requests_kept_out),
    )


def _rate(rate: Rate) -> tuple[str, ...]:
    return (
        human_duration(rate.blocked_ms_per_hour),
        f"{rate.events_per_hour:,.3g}" if rate.events_per_hour < 100 else f"{rate.events_per_hour:,.0f}",
        _or_dash(rate.p95_ms),
        human_duration(rate.longest_ms),
    )


def _or_dash(duration_ms: float | None) -> str:
    return "–" if duration_ms is None else human_duration(duration_ms)
