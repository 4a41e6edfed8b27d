"""Many processes write more rarely than few, so that together they do not burden the database."""

from datetime import timedelta

import pytest
from django.utils import timezone

from loopwatch.models import Finding, ProcessHealth
from loopwatch.recorder import flush_pace, housekeeping
from loopwatch.recorder.flush_pace import FLUSHES_A_SECOND, LONGEST_S, FlushPace
from loopwatch.recorder.pruning_turn import takes_turn
from tests.recorder.calls import NOON, blocking_call
from tests.stored import stored_finding
from tests.support.waiting import wait_until

MINUTE = timedelta(minutes=1)


def pace_of(processes, interval_s=1.0):
    pace = FlushPace(interval_s)
    pace.processes = processes
    return pace


@pytest.mark.parametrize(
    ("processes", "interval_s", "longest_s"),
    [(1, 1.0, 1.0), (30, 1.0, 30 / FLUSHES_A_SECOND), (30, 60.0, 60.0), (10_000, 1.0, LONGEST_S)],
)
def test_the_more_processes_there_are_the_longer_counts_wait(processes, interval_s, longest_s):
    pace = pace_of(processes, interval_s)
    assert longest_s / 2 <= pace.delay_s <= longest_s
    assert pace.delay_s == pace.delay_s


def test_processes_that_stall_at_the_same_moment_write_at_different_ones():
    assert len({pace_of(10).delay_s for _ in range(20)}) == 20


def test_a_finding_that_is_new_to_a_process_does_not_wait_for_others(monkeypatch):
    monkeypatch.setattr(flush_pace, "FINDINGS_LIMIT", 2)
    pace = pace_of(100)
    assert pace.delay_of_s("one") <= 1.0
    assert pace.delay_of_s("one") == pace.delay_s
    assert pace.delay_of_s("two") <= 1.0
    assert pace.delay_of_s("three") == pace.delay_s  # too many to remember


def test_each_of_many_processes_writes_fewer_stalls_in_full():
    assert [pace_of(processes).details_per_finding for processes in (1, 4, 200)] == [20, 5, 2]


@pytest.mark.usefixtures("database")
class TestWithDatabase:
    def test_processes_that_have_written_lately_count(self, recorder_of):
        now = timezone.now()
        for age in (MINUTE / 2, MINUTE, 3 * MINUTE):
            ProcessHealth.objects.create(host="web", process_id=1, since=now, reported_at=now - age)
        recorder = recorder_of()
        recorder.put(blocking_call())
        assert recorder.flush(60)
        assert recorder._writer.pace.processes == 3
        assert recorder.stats().errors == {}

    def test_a_stored_finding_is_known_unless_it_may_be_reopened(self, recorder_of):
        statuses = {"a": ("open", ""), "b": ("ignored", ""), "c": ("resolved", ""), "d": ("ignored", "new release")}
        for name, (status, reopen_when) in statuses.items():
            stored_finding(fingerprint=name, status=status, reopen_when=reopen_when)
        recorder = recorder_of(flush_interval_s=0.05)
        recorder.put(blocking_call())
        assert recorder.flush(60)
        pace = recorder._writer.pace
        pace.processes = 100
        soon = {name: pace.delay_of_s(name) <= 0.05 for name in statuses}
        assert soon == {"a": False, "b": False, "c": True, "d": True}

    def test_a_finding_that_was_resolved_meanwhile_is_forgotten_with_the_next_write(self, recorder_of):
        recorder = recorder_of(flush_interval_s=0.05)
        recorder.put(call := blocking_call())
        assert recorder.flush(60)
        Finding.objects.update(status="resolved")
        recorder._writer._housekeeping._count_at = 0.0
        recorder.put(blocking_call(function="shop.views.other"))
        assert recorder.flush(60)
        recorder._writer.pace.processes = 100
        assert recorder._writer.pace.delay_of_s(call.fingerprint) <= 0.05

    def test_a_stall_that_causes_an_alert_by_its_length_does_not_wait(self, recorder_of):
        recorder = recorder_of(alarm_ms=500.0)
        recorder._writer.pace.know([(call := blocking_call(duration_ms=500.0)).fingerprint])
        recorder.put(call)
        wait_until(Finding.objects.exists)

    def test_each_of_many_processes_writes_the_slowest_and_the_newest_stall_and_counts_all(self, recorder_of):
        recorder = recorder_of()
        recorder._writer.pace.processes = 200
        for minute in range(9):
            recorder.put(blocking_call(minute=minute, duration_ms=500.0 if minute == 3 else 100.0))
        assert recorder.flush(60)
        finding = Finding.objects.get()
        kept = finding.blocking_events.order_by("started_at").values_list("started_at", flat=True)
        assert list(kept) == [NOON + 3 * MINUTE, NOON + 8 * MINUTE]
        assert (finding.events, finding.events_thinned, recorder.stats().thinned) == (9, 7, 7)

    def test_one_process_of_many_prunes(self, database):
        assert [takes_turn(database.alias, 60.0) for _ in range(3)] == [True, False, False]
        assert takes_turn(database.alias, -1.0)

    def test_a_clock_that_is_ahead_keeps_no_other_process_from_pruning(self, database):
        assert takes_turn(database.alias, 60.0)
        rows = housekeeping.CommittedBatch.objects.using(database.alias)
        assert rows.update(committed_at=timezone.now() + 60 * MINUTE) == 1
        assert takes_turn(database.alias, 60.0)

    def test_a_process_whose_turn_it_is_not_prunes_nothing(self, recorder_of, monkeypatch):
        pruned = []
        monkeypatch.setattr(housekeeping, "prune_route_hours", lambda *_: pruned.append(1))
        monkeypatch.setattr(housekeeping.trusted_time, "is_believed", lambda *_: True)
        recorder = recorder_of()
        recorder._writer._housekeeping._prune_at = 0.0
        recorder.put(blocking_call())
        assert recorder.flush(60)
        assert pruned == [1]
        recorder._writer._housekeeping._prune_at = 0.0
        recorder.put(blocking_call())
        assert recorder.flush(60)
        assert pruned == [1]
