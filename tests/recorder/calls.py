"""Makes blocking calls and thread waits as detection reports them."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from loopwatch.detection.calls import BlockingCall, Cause, Request, StackFrame
from loopwatch.thread_waits.thread_wait import HeldThreads, ThreadWait

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
FRAME = StackFrame("/srv/site/shop/views.py", "shop.views", "checkout", 12, 12, 4, 20)

CHAT = Request("websocket", "", "ws/chat/<room>/", "chat.consumers.Chat")
SHOP = Request("http", "POST", "checkout/<int:pk>/")


def blocking_call(minute=0.0, **changes):
    """Make a call that started this many minutes after noon; any field can be changed."""
    values = {
        "stall_id": uuid4().hex,  # unlike that of any event that ``tests.stored`` makes
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
    if "method_name" in changes:
        values["called_name"] = changes["method_name"]
    return BlockingCall(**(values | changes))


def thread_wait(**changes):
    """Make a wait as asgiref's thread reports it; any field can be changed, and ``held_by`` is the only holder."""
    held_by = changes.pop("held_by", "chat.consumers.Chat.save")
    values = {
        "began_at": NOON,
        "waited_ms": 200.0,
        "thread": "process",
        "held": (HeldThreads(held_by, 1),),
        "holder": lambda: CHAT,
        "waiter": lambda: SHOP,
    }
    return ThreadWait(**(values | changes))
