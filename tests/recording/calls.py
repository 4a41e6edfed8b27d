"""Blocking calls as detection would report them."""

import itertools
from datetime import UTC, datetime, timedelta

from loopwatch.detection.calls import BlockingCall, Cause, Request, StackFrame

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
FRAME = StackFrame("/srv/site/shop/views.py", "shop.views", "checkout", 12, 12, 4, 20)

_numbers = itertools.count()


def blocking_call(minute=0.0, **changes):
    """A call that started this many minutes after noon; any field can be changed."""
    values = {
        "stall_id": f"{next(_numbers):032x}",
        "method_name": "time.sleep",
        "duration_ms": 100.0,
        "is_c_call": True,
        "filename": FRAME.filename,
        "lineno": 12,
        "source": "time.sleep(delay)",
        "function": "shop.views.checkout",
        "stack": (FRAME,),
        "step_ms": 101.0,
        "task_name": "Task-1",
        "engine": "sampling",
        "started_at": NOON + timedelta(minutes=minute),
        "exact": True,
        "cause": Cause.WAITING,
        "called_name": "time.sleep",
        "leaf_name": "time.sleep",
        "request": Request("http", "POST", "checkout/<int:pk>/"),
    }
    return BlockingCall(**(values | changes))
