from datetime import timedelta

from loopwatch.recorder import pending as limits
from loopwatch.recorder.ongoing_stalls import OngoingStalls
from loopwatch.recorder.pending import Pending
from loopwatch.recorder.stall_counter import StallCounter
from tests.recorder.calls import NOON, blocking_call


def pending_of(calls):
    pending, stalls, dropped = Pending(), StallCounter(), 0
    for call in calls:
        dropped += pending.add(*stalls.count(call))
    return pending, dropped


def counted(pending):
    return sum(delta.impact.events for delta in pending.findings.values())


def kept(pending):
    return sum(len(delta.details) for delta in pending.findings.values())


def test_findings_beyond_the_limit_are_counted_as_dropped(monkeypatch):
    monkeypatch.setattr(limits, "FINDINGS_LIMIT", 10)
    pending, dropped = pending_of(blocking_call(function=f"f{number % 15}") for number in range(30))
    assert (len(pending.findings), counted(pending), pending.events, dropped) == (10, 20, 20, 10)


def test_details_are_bounded_over_all_findings(monkeypatch):
    monkeypatch.setattr(limits, "DETAILS_LIMIT", 100)
    monkeypatch.setattr(limits, "DETAILS_HARD_LIMIT", 150)
    pending, _ = pending_of(blocking_call(function=f"f{number % 200}") for number in range(2_000))
    assert kept(pending) <= 152
    assert sum(delta.thinned for delta in pending.findings.values()) == 2_000 - kept(pending)


def test_hours_are_bounded_and_their_sums_stay_exact(monkeypatch):
    monkeypatch.setattr(limits, "HOURS_PER_FINDING", 5)
    pending, _ = pending_of(blocking_call(minute=hour * 60) for hour in range(50))
    (delta,) = pending.findings.values()
    assert len(delta.hours) == 6
    assert sum(hour.impact.events for hour in delta.hours.values()) == 50
    assert sum(hour.columns.total() for hour in delta.hours.values()) == 50


def test_merging_is_the_same_as_adding_one_by_one():
    calls = [blocking_call(minute=number, function=f"f{number % 7}", duration_ms=10.0 + number) for number in range(90)]
    together, _ = pending_of(calls)
    merged, _ = pending_of(calls[:40])
    merged.merge(pending_of(calls[40:])[0])
    assert merged.events == together.events == 90
    for fingerprint, delta in together.findings.items():
        other = merged.findings[fingerprint]
        assert (delta.impact, delta.hours, delta.first_seen, delta.last_seen) == (
            other.impact,
            other.hours,
            other.first_seen,
            other.last_seen,
        )
        assert delta.thinned + len(delta.details) == other.thinned + len(other.details)


def test_a_moment_without_a_time_zone_can_be_added_to_others(monkeypatch):
    monkeypatch.setattr(limits, "DETAILS_PER_FINDING", 1)
    pending, _ = pending_of(blocking_call() for _ in range(2))
    naive = NOON.astimezone().replace(tzinfo=None)
    later, _ = pending_of(blocking_call(started_at=naive, duration_ms=duration_ms) for duration_ms in (50.0, 200.0))
    assert pending.merge(later) == 0
    (delta,) = pending.findings.values()
    assert (pending.events, delta.impact.events, delta.first_seen, delta.last_seen) == (4, 4, NOON, NOON)
    assert kept(pending) == 1


def test_removing_every_pending_finding_leaves_nothing_counted():
    pending, _ = pending_of(blocking_call(minute=number, function=f"f{number % 7}") for number in range(500))
    pending.thin(2)
    assert kept(pending) <= 14
    for fingerprint in list(pending.findings):
        pending.remove(fingerprint)
    assert (pending.events, pending._details, pending._hours) == (0, 0, 0)


def test_of_too_many_ongoing_stalls_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr("loopwatch.recorder.ongoing_stalls.LIMIT", 10)
    stalls = OngoingStalls()
    calls = [blocking_call(ongoing=True) for _ in range(11)]
    for number, call in enumerate(calls):
        stalls.keep(call, number)
    assert [stalls.pop(call) for call in calls] == [None, *range(1, 11)]


def test_a_figure_that_shrinks_takes_nothing_away():
    stalls = StallCounter()
    call = blocking_call(ongoing=True, duration_ms=5_000.0, waiting=4)
    pending = Pending()
    for duration_ms, waiting in ((5_000.0, 4), (4_000.0, 2)):
        changes = {"stall_id": call.stall_id, "duration_ms": duration_ms, "waiting": waiting, "ongoing": waiting == 4}
        pending.add(*stalls.count(blocking_call(**changes)))
    (delta,) = pending.findings.values()
    assert (delta.impact.events, delta.impact.blocked_us, delta.impact.requests_delayed) == (1, 5_000_000, 4)
    assert delta.last_seen - delta.first_seen <= timedelta(0)
