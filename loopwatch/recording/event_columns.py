"""Converts calls to the columns of their events."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from loopwatch.detection.calls import BlockingCall, Contribution
from loopwatch.recording import request_columns, stacks
from loopwatch.recording.column_values import host, integer, microseconds, milliseconds, path_text, text
from loopwatch.recording.deltas import FindingDelta
from loopwatch.recording.paths import shorten
from loopwatch.stored_time import as_stored

CONTRIBUTIONS_KEPT = 20

EventColumns = dict[str, dict[str, Any]]
"""The columns of events, by stall."""


class FindingEvents(NamedTuple):
    """The events of one finding: new ones, and those to update."""

    new: EventColumns
    updated: EventColumns


def events_of(delta: FindingDelta, release: str, rest: Callable[[], None]) -> FindingEvents:
    """Return the events of a delta. Reads source files, and calls ``rest`` after every event."""
    events = FindingEvents({}, {})
    for detail in delta.details.values():
        by_stall = events.new if detail.is_new else events.updated
        by_stall[text(detail.call.stall_id, 32)] = columns(detail.call, release)
        rest()
    return events


def columns(call: BlockingCall, release: str) -> dict[str, Any]:
    request = call.request
    return {
        "started_at": as_stored(call.started_at),
        "duration_us": microseconds(call.duration_ms),
        "step_us": microseconds(call.step_ms),
        "ongoing": call.ongoing,
        "cause": text(call.cause, 20),
        "exact": call.exact,
        "engine": text(call.engine, 10),
        "blocking_call": text(call.method_name, 300),
        "called_name": text(call.called_name, 300),
        "leaf_name": text(call.leaf_name, 300),
        "filename": path_text(shorten(call.filename), 500),
        "lineno": integer(call.lineno),
        "source": text(call.source, 500),
        "request_kind": text(request.kind, 10) if request else "",
        "method": request_columns.method(request),
        "route": request_columns.route(request),
        "consumer": text(request.consumer, 300) if request else "",
        "requests_delayed": integer(call.waiting),
        "delayed_routes": [
            [*each, number]
            for each, number in request_columns.delayed_routes(call, integer(call.waiting)).most_common()
        ],
        "task_name": text(call.task_name, 200),
        "host": host(),
        "process_id": os.getpid(),
        "release": text(release, 100),
        "contributions": [_contribution(item) for item in call.contributions[:CONTRIBUTIONS_KEPT]],
        "stacks": stacks.encode(call),
    }


def _contribution(contribution: Contribution) -> dict[str, Any]:
    return {
        "name": text(contribution.name, 300),
        "own_ms": milliseconds(contribution.own_ms),
        "count": contribution.count,
    }
