"""The command and the writer delete old and surplus events, and every count survives."""

import os
from datetime import timedelta

import pytest
from django.db.models.signals import pre_delete
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from loopwatch.models import BlockingEvent, CommittedBatch, Finding, HourlyTotal, ProcessHealth, ThreadWaitTotal
from loopwatch.recorder import housekeeping
from loopwatch.recorder.pruning import Limits, count, prune, prune_oldest
from tests.recorder.calls import blocking_call
from tests.stored import NOON, stored_event, stored_finding, stored_hour, stored_wait

pytestmark = pytest.mark.usefixtures("database")


def stored(events, **columns):
    """Store a finding with so many events, one an hour; the first is the oldest."""
    finding = stored_finding(events=events, **columns)
    for number in range(events):
        stored_event(finding, started_at=NOON + timedelta(hours=number), duration_us=100_000 + number % 7)
    stored_hour(finding, *[100] * events)
    return finding


def left(finding):
    """Return the remaining events, by the hours after noon at which they began."""
    moments = finding.blocking_events.values_list("started_at", flat=True)
    return sorted(round((moment - NOON) / timedelta(hours=1)) for moment in moments)


def test_pruning_by_age_deletes_events_before_the_moment_and_no_count(database):
    findings = [stored(10), stored(3)]
    limits = Limits(oldest=NOON + timedelta(hours=4))
    assert count(database.alias, limits) == 7
    assert list(prune(database.alias, limits, batch_size=3)) == [3, 1, 3]
    assert [left(finding) for finding in findings] == [[4, 5, 6, 7, 8, 9], []]
    assert list(Finding.objects.order_by("pk").values_list("events", "events_thinned")) == [(10, 4), (3, 3)]
    assert sum(HourlyTotal.objects.values_list("events", flat=True)) == 13


def test_pruning_by_number_keeps_the_slowest_and_the_newest_events(database):
    finding, other = stored(20), stored(4)
    limits = Limits(events=5)
    assert count(database.alias, limits) == 15
    assert sum(prune(database.alias, limits, batch_size=4)) == 15
    # hour 13 is one of the slowest, and the newest of them
    assert left(finding) == [13, 16, 17, 18, 19]
    assert left(other) == [0, 1, 2, 3]
    assert sum(Finding.objects.values_list("events_thinned", flat=True)) == 15


def test_pruning_by_age_and_number_counts_no_event_twice(database):
    finding = stored(20)
    limits = Limits(oldest=NOON + timedelta(hours=12), events=5)
    assert count(database.alias, limits) == 15
    assert sum(prune(database.alias, limits)) == 15
    assert len(left(finding)) == 5
    assert min(left(finding)) >= 12


def test_nothing_is_deleted_without_a_limit_or_within_it(database):
    stored(5)
    for limits in (Limits(), Limits(oldest=NOON, events=5)):
        assert count(database.alias, limits) == 0
        assert list(prune(database.alias, limits)) == []
    assert BlockingEvent.objects.count() == 5


def test_every_batch_is_a_transaction_that_locks_the_finding_first(database):
    stored(5)
    with CaptureQueriesContext(database) as captured:
        assert sum(prune(database.alias, Limits(events=1), batch_size=2)) == 4
    queries = [query["sql"].split()[0] for query in captured]
    assert [query for query in queries if query not in ("SELECT", "BEGIN")] == ["UPDATE", "DELETE", "COMMIT"] * 2


def test_an_event_that_another_process_deletes_meanwhile_is_counted_once(database):
    finding = stored(6)
    batches = prune(database.alias, Limits(oldest=NOON + timedelta(hours=6)), batch_size=3)
    assert next(batches) == 3
    ids = finding.blocking_events.values_list("id", flat=True)
    finding.blocking_events.filter(id=max(ids)).delete()
    Finding.objects.update(events_thinned=4)
    assert list(batches) == [2]
    assert Finding.objects.get().events_thinned == 6


def test_a_finding_that_is_deleted_meanwhile_is_no_error(database):
    stored(3), stored(3)
    batches = prune(database.alias, Limits(events=1), batch_size=1)
    assert next(batches) == 1
    Finding.objects.all().delete()
    assert sum(batches) == 0


def test_an_interrupted_run_leaves_exact_counts_and_can_be_repeated(database):
    finding = stored(10)
    batches = prune(database.alias, Limits(events=2), batch_size=2)
    next(batches)
    batches.close()
    finding.refresh_from_db()
    assert (finding.events_thinned, len(left(finding))) == (2, 8)
    assert sum(prune(database.alias, Limits(events=2))) == 6


def test_the_oldest_are_pruned_one_finding_at_a_time(database):
    stored(4), stored(2)
    oldest = NOON + timedelta(hours=3)
    assert sorted(prune_oldest(database.alias, oldest, 2) for _ in range(4)) == [0, 1, 2, 2]
    assert BlockingEvent.objects.count() == 1
    assert sum(Finding.objects.values_list("events_thinned", flat=True)) == 5


@pytest.fixture
def soon(monkeypatch):
    """Makes the writer prune after every write."""
    monkeypatch.setattr(housekeeping, "PRUNE_INTERVAL_S", -1.0)


def test_the_writer_prunes_old_events_a_little_at_a_time(recorder_of, soon, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCHES", 2)
    monkeypatch.setattr(housekeeping, "BATCH_SIZE", 3)
    now = timezone.now()
    finding = stored_finding(events=10)
    for day in (*range(31, 39), 0, 1):
        stored_event(finding, started_at=now - timedelta(days=day, minutes=1))
    recorder = recorder_of(events_kept_days=30)
    remaining = []
    for _ in range(3):
        recorder.put(blocking_call(function="views.other", started_at=now))
        assert recorder.flush(60)
        remaining.append(finding.blocking_events.count())
    assert remaining == [4, 2, 2]
    finding.refresh_from_db()
    assert (finding.events, finding.events_thinned) == (10, 8)
    assert recorder.stats().errors == {}


def test_the_writer_deletes_old_thread_waits_a_little_at_a_time(recorder_of, soon, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCHES", 2)
    monkeypatch.setattr(housekeeping, "BATCH_SIZE", 3)
    now = timezone.now()
    stored_event(stored_finding(), started_at=now - timedelta(hours=3))
    for day in (*range(32, 40), 0, 29):
        stored_wait("views.save", 100, hour=now - timedelta(days=day))
    recorder = recorder_of(events_kept_days=30)
    remaining = []
    for _ in range(3):
        recorder.put(blocking_call(started_at=now))
        assert recorder.flush(60)
        remaining.append(ThreadWaitTotal.objects.count())
    assert remaining == [4, 2, 2]
    assert recorder.stats().errors == {}


def test_where_no_process_lives_for_a_minute_the_next_one_prunes_at_once(recorder_of):
    now = timezone.now()
    finding = stored_finding(events=2)
    for day in (31, 1):
        stored_event(finding, started_at=now - timedelta(days=day))
    past = {"host": "job", "process_id": 1, "since": now - timedelta(days=8)}
    ProcessHealth.objects.create(**past, reported_at=now - timedelta(days=8))
    recorder = recorder_of(events_kept_days=30)
    recorder.put(blocking_call(started_at=now))
    assert recorder.flush(60)
    assert finding.blocking_events.count() == 1
    assert not ProcessHealth.objects.filter(host="job").exists()


def test_where_no_process_lives_for_a_minute_the_next_one_deletes_events_of_the_last_days_too(recorder_of):
    now = timezone.now()
    finding = stored_finding(events=2)
    for hours in (26, 1):
        stored_event(finding, started_at=now - timedelta(hours=hours))
    recorder = recorder_of(events_kept_days=1)
    recorder.put(blocking_call(function="views.other", started_at=now))
    assert recorder.flush(60)
    assert finding.blocking_events.count() == 1


def test_the_writer_leaves_old_events_alone_for_the_first_minute(recorder_of):
    now = timezone.now()
    stored_event(stored_finding(), started_at=now - timedelta(hours=24.5))
    recorder = recorder_of(events_kept_days=1)
    recorder.put(blocking_call(function="views.other", started_at=now))
    assert recorder.flush(60)
    assert BlockingEvent.objects.count() == 2


def test_pruning_that_fails_loses_no_stall_and_is_logged_once(recorder_of, soon, caplog):
    def refuse(**_):
        raise RuntimeError("a receiver of the site's")

    finding = stored(3)
    stored_event(finding, started_at=timezone.now() - timedelta(hours=3))
    pre_delete.connect(refuse, sender=BlockingEvent)
    try:
        recorder = recorder_of(events_kept_days=1)
        for _ in range(2):
            recorder.put(blocking_call(function="views.other", started_at=timezone.now()))
            assert recorder.flush(60)
    finally:
        pre_delete.disconnect(refuse, sender=BlockingEvent)
    assert Finding.objects.get(function="views.other").events == 2
    assert recorder.stats().errors == {"housekeeping": 2}
    assert len(caplog.records) == 1


def test_a_process_writes_its_figures_in_one_row(recorder_of):
    recorder = recorder_of(release="1.2", events_per_finding=2, redact=lambda call: None if call.lineno == 5 else call)
    for lineno in (1, 2, 3, 5):
        recorder.put(blocking_call(lineno=lineno))
        assert recorder.flush(60)
    recorder.put(blocking_call())
    assert recorder.flush(60)
    health = ProcessHealth.objects.get()
    assert (health.seen, health.stored, health.thinned, health.withheld) == (5, 4, 2, 1)
    assert (health.dropped, health.undelivered, health.pending, health.errors) == (0, 0, 0, {})
    assert (health.release, health.since) == ("1.2", recorder.stats().since)
    assert timezone.now() - health.reported_at < timedelta(minutes=5)
    assert health.writer_cpu_us > 0


def test_the_row_of_a_process_is_inserted_again_after_it_was_deleted(recorder_of):
    recorder = recorder_of()
    for _ in range(2):
        recorder.put(blocking_call())
        assert recorder.flush(60)
        ProcessHealth.objects.all().delete()
    recorder.put(blocking_call())
    assert recorder.flush(60)
    assert ProcessHealth.objects.get().seen == 3


def test_rows_of_processes_that_are_long_gone_are_deleted(recorder_of, soon):
    for days in (6, 8):
        then = timezone.now() - timedelta(days=days)
        ProcessHealth.objects.create(host="web-1", process_id=days, since=then, reported_at=then)
        CommittedBatch.objects.create(writer=f"writer-{days}", number=1, committed_at=then)
    stored_event(stored_finding(), started_at=timezone.now() - timedelta(hours=3))
    recorder = recorder_of()
    recorder.put(blocking_call(started_at=timezone.now()))
    assert recorder.flush(60)
    assert recorder.stats().errors == {}
    assert set(ProcessHealth.objects.values_list("process_id", flat=True)) == {6, os.getpid()}
    assert CommittedBatch.objects.filter(writer__startswith="writer").get().writer == "writer-6"
