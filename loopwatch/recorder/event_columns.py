"""Converts calls to the columns of their events."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from loopwatch.detection.calls import BlockingCall, Contribution
from loopwatch.recorder import request_columns, stacks
from loopwatch.recorder.call_columns import call_columns
from loopwatch.recorder.column_values import host, integer, microseconds, milliseconds, text
from loopwatch.recorder.deltas import FindingDelta
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
        **call_columns(call),
        "started_at": as_stored(call.started_at),
        "duration_us": microseconds(call.duration_ms),
        "step_us": microseconds(call.step_ms),
        "ongoing": call.ongoing,
        "engine": text(call.engine, 10),
        "leaf_name": text(call.leaf_name, 300),
        "request_kind": text(request.kind, 10) if request else "",
        "method": request_columns.method(request),
        "route": request_columns.route(request),
        "consumer": text(request.consumer, 300) if request else "",
        "requests_delayed": integer(call.waiting),
        "delayed_routes": [
            [*each, number]
            for each, number in request_columns.by_route(call.delayed, integer(call.waiting)).most_common()
        ],
        "requests_kept_out": integer(call.kept_out.count),
        "kept_out_us": microseconds(call.kept_out.waited_ms),
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
        "function": text(contribution.function, 300),
        "lineno": integer(contribution.lineno),
    }
