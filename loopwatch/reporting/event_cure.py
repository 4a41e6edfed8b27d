"""Chooses the advice for a finding or an event, and rewrites the event's call if that advice is for it."""

from collections.abc import Sequence

from loopwatch.advice import Advice, Rewriting, advice_for, rewritten
from loopwatch.models import BlockingEvent
from loopwatch.reporting.report import ReportedFinding
from loopwatch.rows.stacks import StoredFrame


def advice_on(event: BlockingEvent, cause: str) -> Advice:
    """Return the advice for the call of this event."""
    names = {"called_name": event.called_name, "leaf_name": event.leaf_name}
    return advice_for(event.blocking_call, cause=cause, calls_seen=event.calls_seen, **names)


def advice_on_finding(finding: ReportedFinding) -> Advice:
    """Return the advice for a finding, as of its newest event."""
    return advice_for(
        finding.blocking_call, cause=finding.cause, called_name=finding.called_name, calls_seen=finding.calls_seen
    )


def call_rewritten(event: BlockingEvent, frame: StoredFrame, lines: Sequence[str], advice: Advice) -> Rewriting | None:
    """Return the call in the frame rewritten, or ``None`` if the correct form, or the call itself, is uncertain."""
    return rewritten(lines, frame, called_name=event.called_name, advice=advice) if event.exact else None


def culprit_frame(event: BlockingEvent, frames: Sequence[StoredFrame]) -> StoredFrame:
    """Return the innermost frame at the event's place, or the place itself if the stack was not stored."""
    for frame in reversed(frames):
        if (frame.filename, frame.lineno) == (event.filename, event.lineno):
            return frame
    return StoredFrame(event.filename, "", event.finding.function, event.lineno, 0, 0, 0, True, "")
