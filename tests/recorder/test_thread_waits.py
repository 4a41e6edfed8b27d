import threading
from datetime import timedelta

import pytest

from loopwatch.detection.calls import Request
from loopwatch.models import Finding, ThreadWaitTotal
from loopwatch.recorder import outage, thread_waits
from loopwatch.recorder.thread_wait_log import ThreadWaitLog
from loopwatch.thread_waits.thread_wait import HeldThreads
from tests.recorder.calls import CHAT, NOON, blocking_call, thread_wait
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("database")


RENDER_AND_SEND = (HeldThreads("shop.reports.render", 4), HeldThreads("shop.mail.send", 2))


def stored(*columns):
    return sorted(ThreadWaitTotal.objects.values_list(*columns))


def test_waits_are_added_up_by_hour_call_and_route(recorder_of):
    recorder = recorder_of(release="1.4.2")
    for waited_ms in (60.5, 200.0):
        recorder.put_wait(thread_wait(waited_ms=waited_ms))
    recorder.put_wait(thread_wait(began_at=NOON + timedelta(hours=1)))
    recorder.put_wait(thread_wait(held_by="chat.consumers.Chat.load"))
    recorder.put_wait(thread_wait(waiter=lambda: CHAT))
    recorder.put_wait(thread_wait(thread="request"))
    assert recorder.flush(60)
    total = ThreadWaitTotal.objects.get(
        hour=NOON, thread="process", held_by="chat.consumers.Chat.save", method="POST", route="checkout/<int:pk>/"
    )
    assert (total.waits, total.waited_us, total.longest_us) == (2, 260_500, 200_000)
    assert (total.held_for, total.release) == ("WebSocket ws/chat/<room>/", "1.4.2")
    assert ThreadWaitTotal.objects.count() == 5


def test_the_most_calls_that_waited_at_once_are_stored(recorder_of):
    recorder = recorder_of()
    for waiting in (7, 31, 8):
        recorder.put_wait(thread_wait(waiting=waiting))
        assert recorder.flush(30)
    for waiting in (5, 30):
        recorder.put_wait(thread_wait(waiting=waiting))
    assert recorder.flush(30)
    assert stored("waits", "most_waiting") == [(5, 31)]


def test_a_wait_for_the_default_executor_is_stored_with_the_share_of_the_call_that_held_most(recorder_of):
    recorder = recorder_of()
    recorder.put_wait(thread_wait(thread="executor", threads=6, held=RENDER_AND_SEND))
    assert recorder.flush(30)
    assert stored("thread", "held_by", "threads_held", "threads") == [("executor", "shop.reports.render", 4, 6)]


def test_later_waits_are_added_to_stored_ones(recorder_of):
    for _ in range(2):
        recorder = recorder_of()
        for _ in range(2):
            recorder.put_wait(thread_wait())
            assert recorder.flush(60)
    assert stored("waits", "waited_us", "longest_us") == [(4, 800_000, 200_000)]


def test_a_database_without_upserts_adds_waits_row_by_row(recorder_of, database, monkeypatch):
    monkeypatch.setattr(type(database.features), "supports_update_conflicts", False)
    recorder = recorder_of()
    for waited_ms in (200.0, 100.0):
        recorder.put_wait(thread_wait(waited_ms=waited_ms))
        assert recorder.flush(60)
    assert stored("waits", "waited_us", "longest_us") == [(2, 300_000, 200_000)]


def test_calls_outside_of_requests_have_no_route_and_consumers_without_one_their_name(recorder_of):
    recorder = recorder_of()
    recorder.put_wait(thread_wait(holder=None, waiter=None))
    recorder.put_wait(thread_wait(holder=None, waiter=lambda: Request("websocket", "", "", "chat.consumers.Chat")))
    assert recorder.flush(60)
    assert stored("held_for", "method", "route") == [("", "", ""), ("", "WebSocket", "chat.consumers.Chat")]


def test_names_that_no_database_takes_are_stored_in_part(recorder_of):
    recorder = recorder_of()
    recorder.put_wait(thread_wait(held_by="<script>\x00\udcff" + "ü" * 400, holder=None))
    assert recorder.flush(60)
    (total,) = ThreadWaitTotal.objects.all()
    assert total.held_by.startswith("<script>\ufffd\ufffdü")
    assert len(total.held_by) == 300


def test_no_wait_is_lost_however_many_come_at_once(recorder_of, monkeypatch):
    monkeypatch.setattr(thread_waits, "WAITS_LIMIT", 10)
    monkeypatch.setattr(thread_waits, "KEYS_LIMIT", 3)
    recorder = recorder_of(started=False)

    def put(number):
        for minute in range(50):
            recorder.put_wait(thread_wait(held_by=f"views.view_{number % 7}.{minute % 2}"))

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.start()
    assert recorder.flush(60)
    totals = list(ThreadWaitTotal.objects.all())
    assert sum(total.waits for total in totals) == 400
    assert sum(total.waited_us for total in totals) == 400 * 200_000
    assert len(totals) == 4


def test_nothing_is_lost_while_the_table_is_missing(recorder_of, database, monkeypatch):
    monkeypatch.setattr(outage, "FIRST_RETRY_S", 0.01)
    table = ThreadWaitTotal._meta.db_table
    with database.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    recorder = recorder_of(flush_interval_s=0.05)
    try:
        for _ in range(3):
            failures = recorder.stats().errors.get("database", 0)
            recorder.put_wait(thread_wait())
            recorder.put(blocking_call())
            wait_until(lambda before=failures: recorder.stats().errors.get("database", 0) > before)
    finally:
        with database.cursor() as cursor:
            cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")
    assert recorder.flush(60)
    assert stored("waits") == [(3,)]
    assert Finding.objects.get().events == 3


def test_without_the_database_sink_nothing_is_kept(recorder_of):
    recorder = recorder_of(sinks=("log",))
    recorder.put_wait(thread_wait())
    assert recorder.flush(60)
    assert not ThreadWaitTotal.objects.exists()


def test_a_forked_child_starts_without_its_parents_waits(recorder_of):
    recorder = recorder_of(started=False)
    recorder.put_wait(thread_wait())
    recorder._begin_empty()
    recorder.start()
    assert recorder.flush(60)
    assert not ThreadWaitTotal.objects.exists()


def test_an_ongoing_wait_is_stored_at_once_and_counted_when_it_has_ended(recorder_of):
    recorder = recorder_of()
    for seconds in (5, 10):
        recorder.put_wait(thread_wait(waited_ms=seconds * 1000, ongoing=True))
    assert recorder.flush(60)
    assert stored("waits", "waited_us", "longest_us") == [(0, 0, 10_000_000)]
    recorder.put_wait(thread_wait(waited_ms=12_000))
    assert recorder.flush(60)
    assert stored("waits", "waited_us", "longest_us") == [(1, 12_000_000, 12_000_000)]


def test_the_log_has_one_line_a_minute_for_a_held_thread(caplog):
    at = [0.0]
    log = ThreadWaitLog(lambda: at[0])
    for seconds, waited_ms in ((0, 5_000), (5, 10_000), (60, 65_000)):
        at[0] = seconds
        log.log(thread_wait(waited_ms=waited_ms, ongoing=True))
    log.log(thread_wait(held_by="views.other\n", holder=None, thread="request", waited_ms=5_000, ongoing=True))
    log.log(thread_wait(held_by="views.past", waited_ms=90_000))
    save = "chat.consumers.Chat.save still holds the process's sync_to_async thread (WebSocket ws/chat/<room>/)"
    assert [record.getMessage() for record in caplog.records] == [
        f"{save}: a call has been waiting for 5.0 s",
        f"{save}: a call has been waiting for 65.0 s",
        "views.other still holds the sync_to_async thread of a request: a call has been waiting for 5.0 s",
    ]


def test_the_log_says_what_keeps_the_default_executor_busy_while_calls_wait(caplog):
    ThreadWaitLog().log(
        thread_wait(
            thread="executor", threads=6, held=RENDER_AND_SEND, waiting=31, waited_ms=5_200, holder=None, ongoing=True
        )
    )
    (record,) = caplog.records
    assert record.getMessage() == (
        "The default executor's 6 threads are still busy: 4 with shop.reports.render, 2 with shop.mail.send. "
        "31 calls have been waiting, for at most 5.2 s; the event loop is not blocked"
    )


def test_the_log_says_for_which_request_the_only_thread_of_the_default_executor_is_busy(caplog):
    ThreadWaitLog().log(thread_wait(thread="executor", ongoing=True))
    (record,) = caplog.records
    assert record.getMessage() == (
        "The default executor's thread is still busy: 1 with chat.consumers.Chat.save (WebSocket ws/chat/<room>/). "
        "1 call has been waiting, for at most 0.2 s; the event loop is not blocked"
    )


@pytest.mark.parametrize(("sinks", "lines"), [(("database",), 0), (("log",), 1), (("database", "log"), 1)])
def test_a_held_thread_is_logged_only_if_the_log_is_a_sink(recorder_of, caplog, sinks, lines):
    recorder = recorder_of(sinks=sinks)
    recorder.put_wait(thread_wait(ongoing=True))
    assert recorder.flush(60)
    assert len([record for record in caplog.records if "still holds" in record.getMessage()]) == lines


def test_waits_that_could_not_be_written_before_the_end_are_logged(recorder_of, database, caplog):
    table = ThreadWaitTotal._meta.db_table
    with database.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    recorder = recorder_of()
    try:
        for _ in range(3):
            recorder.put_wait(thread_wait())
        assert not recorder.flush(0.1)
        wait_until(lambda: "database" in recorder.stats().errors)
        assert not recorder.stop(0.2)
    finally:
        with database.cursor() as cursor:
            cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")
    assert "Stopped before 3 thread waits could be written." in caplog.text
