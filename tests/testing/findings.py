"""Builds findings of tests."""

from loopwatch.testing.finding import Channel, FindingInTest


def found(**changed):
    """Return a stall in ``shop.pay``, with these fields changed."""
    fields = {
        "test": "test_shop.py::test_pay",
        "phase": "call",
        "channel": Channel.STALL,
        "fingerprint": "f1",
        "blocking_call": "time.sleep",
        "called_name": "time.sleep",
        "function": "shop.pay",
        "filename": "shop.py",
        "lineno": 7,
        "source": "time.sleep(1)",
        "reason": "waiting",
        "duration_ms": 60.0,
        "blocked_ms": 60.0,
    }
    return FindingInTest(**fields | changed)
