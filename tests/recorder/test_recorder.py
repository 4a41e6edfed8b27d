import threading

import pytest

from loopwatch.models import BlockingEvent, Finding, HourlyTotal
from tests.recorder.calls import NOON, blocking_call

pytestmark = pytest.mark.usefixtures("database")


def test_a_call_becomes_a_finding_an_event_and_an_hourly_total(recorder_of):
    recorder = recorder_of(release="1.2")
    recorder.put(call := blocking_call(minute=90, waiting=3))
    assert recorder.flush(60)
    finding = Finding.objects.get()
    assert (finding.fingerprint, finding.blocking_call, finding.function) == (
        call.fingerprint,
        "time.sleep",
        "shop.views.checkout",
    )
    assert (finding.events, finding.blocked_us, finding.longest_us) == (1, 100_000, 100_000)
    assert (finding.requests_delayed, finding.delay_us, finding.events_thinned) == (3, 300_000, 0)
    assert finding.first_seen == finding.last_seen == call.started_at
    total = HourlyTotal.objects.get()
    assert (total.hour, total.method, total.route, total.release) == (
        NOON.replace(hour=13),
        "POST",
        "checkout/<int:pk>/",
        "1.2",
    )
    assert (total.events, total.under_150ms, total.under_100ms) == (1, 1, 0)
    event = BlockingEvent.objects.get()
    assert (event.stall_id, event.method, event.route, event.task_name) == (
        call.stall_id,
        "POST",
        "checkout/<int:pk>/",
        "Task-1",
    )


def test_counts_are_exact_after_a_burst_from_four_threads(recorder_of):
    recorder = recorder_of(flush_interval_s=0.05)

    def put_many(thread):
        for number in range(1_000):
            recorder.put(blocking_call(minute=number % 120, function=f"shop.views.view_{number % 3}", waiting=1))

    threads = [threading.Thread(target=put_many, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.flush(60)
    assert sum(Finding.objects.values_list("events", flat=True)) == 4_000
    assert sum(Finding.objects.values_list("blocked_us", flat=True)) == 4_000 * 100_000
    assert sum(Finding.objects.values_list("requests_delayed", flat=True)) == 4_000
    assert sum(HourlyTotal.objects.values_list("under_150ms", flat=True)) == 4_000
    assert HourlyTotal.objects.count() == 3 * 2
    assert all(
        finding.events == finding.events_thinned + finding.blocking_events.count() for finding in Finding.objects.all()
    )
    stats = recorder.stats()
    assert (stats.seen, stats.stored, stats.dropped, stats.pending) == (4_000, 4_000, 0, 0)
    assert stats.thinned == sum(Finding.objects.values_list("events_thinned", flat=True))


def test_the_writer_waits_without_a_timeout_while_there_is_nothing_to_write(recorder_of):
    recorder = recorder_of()
    recorder.put(blocking_call())
    assert recorder.flush(60)
    assert not recorder._buffer.is_due


def test_a_stopped_recorder_has_no_thread_and_keeps_what_is_put_until_it_is_started(recorder_of):
    recorder = recorder_of()
    recorder.put(blocking_call())
    assert recorder.stop(60)
    assert not any(thread.name == "loopwatch-writer" for thread in threading.enumerate())
    assert Finding.objects.get().events == 1
    recorder.put(blocking_call())
    assert not recorder.flush(0)
    assert recorder.stats().pending == 1
    recorder.start()
    recorder.start()
    assert recorder.flush(60)
    assert Finding.objects.get().events == 2
    assert sum(thread.name == "loopwatch-writer" for thread in threading.enumerate()) == 1


def test_a_call_that_cannot_be_put_is_logged_once_and_raises_nothing(recorder_of, caplog):
    recorder = recorder_of()
    for _ in range(3):
        recorder.put("not a call")
    assert recorder.stats().errors == {"recorder": 3}
    assert len(caplog.records) == 1


def test_another_database_can_be_named_or_routed_to(recorder_of, settings):
    class Router:
        def db_for_write(self, model, **hints):
            return "routed"

    settings.DATABASE_ROUTERS = [Router()]
    assert recorder_of()._writer.database.alias == "routed"
    assert recorder_of(database="named")._writer.database.alias == "named"


def test_stopping_closes_the_connections_of_the_writer(recorder_of, database, kept_connections, opened_connections):
    recorder = recorder_of()
    recorder.put(blocking_call())
    assert recorder.flush(60)
    (opened,) = [opened.connection for opened in opened_connections]
    opened.cursor()
    assert recorder.stop(60)
    with pytest.raises(database.Database.Error):
        opened.cursor().execute("SELECT 1")


def test_calls_are_stored_although_the_site_commits_for_itself(recorder_of, database, monkeypatch):
    monkeypatch.setitem(database.settings_dict, "AUTOCOMMIT", False)
    recorder = recorder_of()
    recorder.put(blocking_call())
    assert recorder.flush(60)
    assert Finding.objects.count() == 1
    assert not database.settings_dict["AUTOCOMMIT"]
    database.close()  # so that the next test's connection commits
