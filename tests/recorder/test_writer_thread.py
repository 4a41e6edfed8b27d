"""The writer's thread survives exceptions that are raised in it from outside or by what it calls."""

import asyncio
import ctypes
import threading

import pytest
from django.db.backends.signals import connection_created

from loopwatch.detection.timing.own_work import is_own_work
from loopwatch.models import Finding
from loopwatch.recorder import outage, writer_thread
from tests.recorder.calls import blocking_call
from tests.recorder.locks import findings_locked
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(outage, "FIRST_RETRY_S", 0.01)
    monkeypatch.setattr(writer_thread, "FIRST_RETRY_S", 0.01)


def interrupt(recorder, exception=SystemExit):
    """Raise an exception in the writer's thread, asynchronously.

    A thread that is just entering or leaving ``with lock:`` would keep the lock:
    https://github.com/python/cpython/issues/74174
    """
    identity = ctypes.c_ulong(recorder._writer_thread._thread.ident)
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(identity, ctypes.py_object(exception)) == 1


def is_waiting(recorder):
    with recorder._buffer.changed:
        return bool(recorder._buffer.changed._waiters)


def counted(recorder):
    assert recorder.flush(60)
    finding = Finding.objects.get()
    assert finding.events == finding.events_thinned + finding.blocking_events.count()
    stats = recorder.stats()
    assert (stats.seen, stats.stored, stats.dropped, stats.pending) == (finding.events, finding.events, 0, 0)
    return finding.events


@pytest.mark.parametrize("exception", [SystemExit, KeyboardInterrupt, MemoryError])
def test_a_writer_interrupted_while_it_waits_goes_on(recorder_of, caplog, exception):
    recorder = recorder_of()
    for number in range(3):
        recorder.put(blocking_call())
        assert counted(recorder) == number + 1
        wait_until(lambda: is_waiting(recorder))
        interrupt(recorder, exception)
    recorder.put(blocking_call())
    assert counted(recorder) == 4
    assert recorder.stats().errors == {"recorder": 3}
    assert [record.getMessage() for record in caplog.records] == [
        "The writer was interrupted, and goes on. Further failures are only counted."
    ]
    assert recorder.stop(60)


def test_a_writer_interrupted_while_it_writes_loses_nothing(recorder_of, database, opened_connections):
    database.ensure_connection()
    opened_connections.clear()
    recorder = recorder_of()
    with findings_locked(database):
        for _ in range(5):
            recorder.put(blocking_call())
        assert not recorder.flush(0.1)
        wait_until(lambda: opened_connections)  # by the writer, which waits for the lock from now on
        interrupt(recorder)
        recorder.put(blocking_call())
    assert counted(recorder) == 6


@pytest.mark.parametrize("exception", [SystemExit, asyncio.CancelledError, GeneratorExit])
def test_an_exception_raised_by_a_receiver_of_connection_created_does_not_end_the_writer(recorder_of, exception):
    raised = []

    def fail(**_):
        if not raised:
            raised.append(exception())
            raise raised[0]

    recorder = recorder_of()
    connection_created.connect(fail)
    try:
        recorder.put(blocking_call())
        assert counted(recorder) == 1
    finally:
        connection_created.disconnect(fail)
    assert len(raised) == 1
    assert recorder.stats().errors == {"database": 1}


def test_a_writer_that_is_just_being_started_can_be_stopped(recorder_of, monkeypatch):
    recorder = recorder_of(started=False)
    recorder._buffer.open()
    writer, stopped = recorder._writer_thread, []
    stopping = threading.Thread(target=lambda: stopped.append(writer.stop(60)))
    start = threading.Thread.start

    def start_while_stopping(thread):
        if thread is not stopping:
            stopping.start()
            stopping.join(0.5)  # in vain if it waits for the start, as it must
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_while_stopping)
    writer.ensure()
    stopping.join(60)
    assert stopped == [True]
    assert not writer.is_running


def test_what_receivers_run_while_it_writes_is_no_work_of_the_site(recorder_of):
    """A loop of an asynchronous receiver would be watched, and its stall would be written, and so on."""
    is_own = []

    def receive(**_):
        is_own.append((threading.current_thread().name, is_own_work()))

    connection_created.connect(receive)
    try:
        recorder = recorder_of()
        recorder.put(blocking_call())
        assert recorder.flush(60)
    finally:
        connection_created.disconnect(receive)
    assert set(is_own) == {("loopwatch-writer", True)}
