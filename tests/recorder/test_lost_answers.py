"""The connection breaks during a commit: before the server has it, or before its answer arrives."""

import os
import re
import socket
import threading
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest

from loopwatch.detection.calls import KeptOut
from loopwatch.models import BlockingEvent, CommittedBatch, Finding, HourlyTotal, RouteTotal, ThreadWaitTotal
from loopwatch.recorder import outage
from tests.databases import on_servers
from tests.recorder.calls import blocking_call, thread_wait
from tests.support.waiting import wait_until

pytestmark = on_servers

# Not in MariaDB's "SET AUTOCOMMIT" and "READ COMMITTED".
COMMIT = re.compile(rb"(?<!AUTO)COMMIT(?!TED)")


class Cable:
    """Connects the recorder with the server, and cuts the connection before or right after a commit."""

    def __init__(self, server):
        self._server = str(server.socket)
        self.folder = Path(mkdtemp(prefix=f"loopwatch-cable-{os.getpid()}-", dir="/tmp"))
        self._socket = self.folder / server.socket.name
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._socket))
        self._listener.listen()
        self.cuts = []  # "before", "after" or "not", one for each commit to come
        threading.Thread(target=self._accept, daemon=True).start()

    def remove(self):
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        self._socket.unlink()
        self.folder.rmdir()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                if server.connect_ex(self._server):
                    client.close()
                    server.close()
                    continue
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _forward(self, client, server):
        with suppress(OSError), client, server:
            while data := client.recv(65536):
                if COMMIT.search(data) and self.cuts and (when := self.cuts.pop(0)) != "not":
                    self._cut(when, data, client, server)
                    return
                server.sendall(data)

    def _cut(self, when, data, client, server):
        client.shutdown(socket.SHUT_RDWR)
        if when == "after":  # the server gets the commit, but its answer is lost
            server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        else:
            server.shutdown(socket.SHUT_RDWR)

    def _answer(self, server, client):
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)  # the client must not wait for the server


@pytest.fixture
def cable(database, database_server, monkeypatch):
    """Routes new connections through a cable."""
    monkeypatch.setattr(outage, "FIRST_RETRY_S", 0.01)
    database.ensure_connection()
    cable = Cable(database_server)
    host = database.settings_dict["HOST"].replace(str(database_server.folder), str(cable.folder))
    monkeypatch.setitem(database.settings_dict, "HOST", host)
    yield cable
    cable.remove()


FINDINGS = [["before"], ["after"], ["after", "after"], ["after", "before"], ["before", "after"]]
ROUTES = [["not", "before"], ["not", "after"], ["not", "after", "after"], ["not", "after", "before"]]


@pytest.mark.parametrize("cuts", FINDINGS + ROUTES)
def test_nothing_is_lost_and_nothing_counts_or_is_told_twice(recorder_of, database, cable, cuts, told):
    recorder = recorder_of(sinks=("database", "signal"))
    recorder.put(blocking_call(function="views.other"))
    assert recorder.flush(60)  # the writer has done what it does only once
    recorder.stop(60)
    cable.cuts = list(cuts)
    for number in range(60):
        recorder.put(blocking_call(stall_id=f"first {number}", function=f"views.view_{number % 3}", waiting=1))
    recorder.start()
    for number in range(60):
        recorder.put(
            blocking_call(
                stall_id=f"second {number}", function=f"views.view_{number % 3}", waiting=1, kept_out=KeptOut(5, 200.0)
            )
        )
    assert recorder.flush(60)
    assert cable.cuts == []
    columns = "events", "blocked_us", "requests_delayed", "requests_kept_out", "kept_out_us"
    assert sorted(Finding.objects.values_list(*columns)) == [
        (1, 100_000, 0, 0, 0),
        *[(40, 4_000_000, 40, 100, 4_000_000)] * 3,
    ]
    assert sum(HourlyTotal.objects.values_list("events", flat=True)) == 121
    for hours in (1, 24):
        routes = RouteTotal.objects.filter(hours=hours).values_list(
            "events", "waits", "waited_us", "arrivals_late", "late_us"
        )
        assert [sum(column) for column in zip(*routes, strict=True)] == [121, 120, 12_000_000, 300, 12_000_000]
    thinned = sum(Finding.objects.values_list("events_thinned", flat=True))
    assert BlockingEvent.objects.count() + thinned == 121
    stats = recorder.stats()
    assert (stats.seen, stats.stored, stats.dropped, stats.pending) == (121, 121, 0, 0)
    assert stats.errors == {"database": len(cuts) - cuts.count("not")}
    functions = ["views.other", *(f"views.view_{number}" for number in range(3))]
    assert sorted((change.kind, change.function) for change in told) == [("new", each) for each in functions]


@pytest.mark.parametrize("cuts", [["before"], ["after"], ["after", "after"], ["after", "before"], ["before", "after"]])
def test_no_thread_wait_is_lost_and_none_counts_twice(recorder_of, database, cable, cuts):
    recorder = recorder_of()
    recorder.put_wait(thread_wait())
    assert recorder.flush(60)  # the writer has done what it does only once
    recorder.stop(60)
    cable.cuts = list(cuts)
    for number in range(60):
        recorder.put_wait(thread_wait(held_by=f"views.view_{number}"))
    recorder.start()
    assert recorder.flush(60)
    assert cable.cuts == []
    assert list(ThreadWaitTotal.objects.values_list("waits", "waited_us")) == [(1, 200_000)] * 61


def test_a_batch_in_doubt_stays_pending_while_the_server_is_away(recorder_of, database, cable, database_server):
    recorder = recorder_of()
    recorder.put(blocking_call(function="views.other"))
    assert recorder.flush(60)
    cable.cuts = ["after"]
    recorder.put(blocking_call())
    while cable.cuts:
        recorder.flush(0.1)
    database.close()
    database_server.stop()
    recorder.put(blocking_call())
    assert not recorder.flush(0.2)
    # The first may have been settled before the server went, and one that the writer is taking over counts twice.
    wait_until(lambda: recorder.stats().pending in {1, 2})
    database_server.start()
    assert recorder.flush(60)
    assert sorted(Finding.objects.values_list("events", flat=True)) == [1, 2]
    assert recorder.stats().pending == 0


def test_a_writer_inserts_its_row_again_after_it_was_deleted(recorder_of, database):
    recorder = recorder_of()
    for _ in range(2):
        recorder.put(blocking_call())
        assert recorder.flush(60)
        CommittedBatch.objects.all().delete()
    assert Finding.objects.get().events == 2
    assert recorder.stats().errors == {}
