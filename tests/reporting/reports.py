"""Makes reports without a database."""

from dataclasses import replace
from datetime import timedelta

from loopwatch.reporting.recording_health import RecordingHealth
from loopwatch.reporting.release_change import KINDS, Change, ComparedRelease, Comparison, Rate
from loopwatch.reporting.report import Group, Report, ReportedFinding, Totals
from tests.stored import NOON

NOBODY = RecordingHealth(0, 0, 0, 0, 0, 0, 0, 0, 0, {})
HOSTILE = "<script>alert('ü')</script>|`x` *y* \"q\" %0A::error::é\n\x1b[2J名前"
"""A name with markup and control characters of every format."""


def a_finding(**columns):
    defaults = {
        "fingerprint": "f" * 32,
        "blocking_call": "time.sleep",
        "called_name": "time.sleep",
        "function": "shop.views.checkout",
        "filename": "shop/views.py",
        "lineno": 41,
        "source": "time.sleep(0.1)",
        "events": 3,
        "blocked_ms": 300.0,
        "longest_ms": 120.0,
        "p95_ms": 110.0,
        "first_seen": NOON,
        "last_seen": NOON + timedelta(minutes=5),
        "routes": ("GET shop/<int:pk>/", "POST cart/"),
        "status": "open",
        "reopened": False,
        "cause": "waiting",
        "exact": True,
        "requests_delayed": 7,
        "delay_ms": 840.0,
        "requests_kept_out": 0,
        "kept_out_ms": 0.0,
        "events_without_route": 0,
    }
    return ReportedFinding(**defaults | columns)


def a_group(**columns):
    defaults = {"name": "GET cart/", "findings": 2, "worst": "time.sleep in shop.views.checkout"}
    figures = {"events": 3, "blocked_ms": 300.0, "longest_ms": 120.0, "p95_ms": 110.0}
    delays = {"requests_delayed": 7, "delay_ms": 840.0, "requests_kept_out": 0, "kept_out_ms": 0.0}
    return Group(**defaults | figures | delays | columns)


def a_report(*findings, **columns):
    totals = Totals(len(findings), sum(each.events for each in findings), sum(each.blocked_ms for each in findings))
    defaults = {"since": None, "status": "open", "stored": 1, "totals": totals, "health": NOBODY}
    return Report(NOON, **defaults | {"findings": findings} | columns)


def grouped(*groups, **columns):
    totals = Totals(2, 3, 300.0)
    defaults = {"group_by": "route", "groups": groups, "groups_in_all": len(groups), "totals": totals}
    return a_report(**defaults | columns)


def compared(finding=None):
    """Make a comparison with one finding of every kind."""
    rates = {"new": (0, 9), "worse": (9, 90), "gone": (90, 0), "better": (90, 9), "same": (9, 9)}
    findings = [
        replace(finding or a_finding(), fingerprint=kind, change=Change(*map(_rate, rates[kind]))) for kind in KINDS
    ]
    releases = [ComparedRelease(name, NOON, NOON + timedelta(hours=10), 9, 900.0) for name in ("1.4", "1.5")]
    return a_report(*findings, comparison=Comparison(*releases, dict.fromkeys(KINDS, 1)))


def _rate(events):
    return Rate(10.0, events, events * 100.0, 100.0, 100.0 if events else None)
