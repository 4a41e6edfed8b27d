"""Describes a finding in a few sentences, for the formats that show it beside its line of code."""

from loopwatch.escaping.terminal import visible
from loopwatch.models import Finding
from loopwatch.reporting import wording
from loopwatch.reporting.event_cure import advice_on_finding
from loopwatch.reporting.release_change import GONE, NEW, WORSE
from loopwatch.reporting.report import Report, ReportedFinding
from loopwatch.wording.durations import human_duration
from loopwatch.wording.findings import GIL_HELD


def title(finding: ReportedFinding) -> str:
    """Say what is wrong, in a few words."""
    does = "in a thread keeps the GIL from" if finding.cause == GIL_HELD else "blocks"
    return visible(f"{finding.headline} {does} the event loop")


def message(finding: ReportedFinding) -> str:
    """Say what happened, how often, for how long, what it delayed, and what to do about it."""
    did = "kept the GIL in a thread, and so blocked" if finding.cause == GIL_HELD else "blocked"
    sentences = [f"{finding.headline} in {finding.function} {did} the event loop {_figures(finding)}."]
    if finding.change and finding.change.kind == GONE:
        sentences.append("It has not been seen since.")
    if finding.calls_seen > 1:
        sentences.append(f"The newest step made at least {finding.calls_seen:,} of these calls.")
    if besides := wording.besides(finding):
        sentences.append(f"In the newest step: {besides.removeprefix('and ')}.")
    if finding.requests_delayed:
        requests = wording.counted(finding.requests_delayed, "other request")
        verb = "was" if finding.requests_delayed == 1 else "were"
        sentences.append(f"{requests} {verb} delayed by {human_duration(finding.delay_ms)} in total.")
    if finding.requests_kept_out:
        requests = wording.counted(finding.requests_kept_out, "request")
        verb = "was" if finding.requests_kept_out == 1 else "were"
        waited = human_duration(finding.kept_out_ms)
        sentences.append(f"About {requests} {verb} kept out meanwhile, for {waited} in total (estimate).")
    if finding.routes:
        more = f" and {len(finding.routes) - 1} more" if len(finding.routes) > 1 else ""
        sentences.append(f"Seen on {finding.routes[0]}{more}.")
    sentences.append(advice_on_finding(finding).cure)
    if marks := ", ".join(wording.marks(finding)):
        sentences.append(f"[{marks}]")
    return visible(" ".join(sentences))


def _figures(finding: ReportedFinding) -> str:
    """For a finding that is gone, use the figures of the earlier release."""
    row = finding.change.before if finding.change and finding.change.kind == GONE else finding
    p95 = "" if row.p95_ms is None else f" (p95 {human_duration(row.p95_ms)})"
    times, in_all = wording.counted(row.events, "time"), human_duration(row.blocked_ms)
    return f"{times}, for up to {human_duration(row.longest_ms)}{p95}, {in_all} in total"


def for_review(report: Report) -> list[ReportedFinding]:
    """Return the findings to show in a code review: in a comparison, only new and worse ones."""
    if report.comparison is None:
        return list(report.findings)
    return [
        finding
        for finding in report.findings
        if finding.change and finding.change.kind in {NEW, WORSE} and finding.status != Finding.Status.IGNORED
    ]
