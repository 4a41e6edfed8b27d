"""Stores rows as the writer does, for tests of code that reads the store."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count

from loopwatch.histogram import column_for
from loopwatch.models import (
    BlockingEvent,
    Finding,
    HourlyTotal,
    LoopTime,
    ProcessHealth,
    RouteTotal,
    ThreadWaitTotal,
)

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
_numbers = count()


def stored_finding(**columns):
    number = next(_numbers)
    defaults = {
        "fingerprint": sha256(str(number).encode()).hexdigest()[:32],
        "blocking_call": "time.sleep",
        "function": "shop.views.checkout",
        "filename": "shop/views.py",
        "lineno": 41,
        "source": "time.sleep(0.1)",
        "cause": "waiting",
        "events": 1,
        "blocked_us": 100_000,
        "longest_us": 100_000,
        "first_seen": NOON,
        "last_seen": NOON + timedelta(minutes=5),
    }
    values = defaults | columns
    return Finding.objects.create(**{"called_name": values["blocking_call"]} | values)


def stored_hour(finding, *durations_ms, hour=NOON, method="GET", route="shop/<int:pk>/", **columns):
    """Store an hourly total that counts events of these durations."""
    figures = {
        "events": len(durations_ms),
        "blocked_us": round(sum(durations_ms) * 1000),
        "longest_us": round(max(durations_ms) * 1000),
        **Counter(map(column_for, durations_ms)),
    }
    return HourlyTotal.objects.create(finding=finding, hour=hour, method=method, route=route, **figures | columns)


def stored_event(finding, **columns):
    return BlockingEvent.objects.create(**event_columns(finding) | columns)


def event_columns(finding):
    return {
        "finding": finding,
        "stall_id": f"{next(_numbers):032x}",
        "started_at": NOON,
        "duration_us": 100_000,
        "step_us": 120_000,
        "cause": finding.cause,
        "engine": "sampling",
        "blocking_call": finding.blocking_call,
        "called_name": finding.called_name,
        "leaf_name": finding.blocking_call,
        "filename": finding.filename,
        "lineno": finding.lineno,
        "source": finding.source,
        "request_kind": "http",
        "method": "GET",
        "route": "shop/<int:pk>/",
        "task_name": "Task-7",
        "host": "web-1",
        "process_id": 4711,
        "release": "1.4.2",
    }


def stored_health(**columns):
    defaults = {"host": "web-1", "process_id": 4711, "since": NOON, "reported_at": NOON + timedelta(hours=1)}
    return ProcessHealth.objects.create(**defaults | columns)


def stored_stack(*frames):
    """Return a stack as JSON; a frame is (filename, function, lineno, column, end_column, is_in_app, source_line)."""
    rows = [
        [filename, filename.removesuffix(".py").replace("/", "."), function, line, line, column, end, is_in_app, source]
        for filename, function, line, column, end, is_in_app, source in frames
    ]
    return {"version": 1, "frames": rows, "samples": [[100.0, list(range(len(rows)))]]}


def stored_loop_time(**columns):
    defaults = {"minutes": 1, "start": NOON, "host": "web-1", "process_id": 4711, "since": NOON}
    return LoopTime.objects.create(**defaults | columns)


def stored_route(**columns):
    defaults = {"hours": 1, "start": NOON, "method": "GET", "route": "shop/<int:pk>/"}
    return RouteTotal.objects.create(**defaults | columns)


def stored_wait(held_by="chat.consumers.Chat.save", *durations_ms, hour=NOON, **columns):
    """Store a total of thread waits that counts waits of these durations."""
    defaults = {
        "fingerprint": f"{next(_numbers):032x}",
        "thread": "process",
        "held_for": "WebSocket ws/chat/",
        "method": "WebSocket",
        "route": "ws/chat/",
        "waits": len(durations_ms),
        "waited_us": round(sum(durations_ms) * 1000),
        "longest_us": round(max(durations_ms) * 1000),
        "most_waiting": 1,
        "threads": 1,
        "threads_held": 1,
    }
    return ThreadWaitTotal.objects.create(held_by=held_by, hour=hour, **defaults | columns)
