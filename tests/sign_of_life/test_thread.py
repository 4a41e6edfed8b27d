"""The thread gives the signs that the settings ask for while the loops serve, whatever fails."""

import errno
import logging
import os
import socket
from contextlib import contextmanager

import pytest

from loopwatch.sign_of_life import thread
from loopwatch.sign_of_life.address import ProbeAddress, listener_at
from loopwatch.sign_of_life.liveness import Liveness
from loopwatch.sign_of_life.signs import Signs
from loopwatch.sign_of_life.substitute import Substitute
from loopwatch.sign_of_life.thread import SignOfLife
from testproject.demo.ports import LOOPBACK, any_free
from tests.support.waiting import wait_until

WITHOUT_LOOKOUT = Substitute(lambda: None, 10.0)


class Process:
    """A process whose loops serve until a test says otherwise; ``reads`` counts how often that was asked."""

    serving = True
    reads = 0
    error = None

    def read(self):
        self.reads += 1
        if self.error:
            raise self.error
        return Liveness(serving=self.serving)


@pytest.fixture
def process():
    return Process()


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    monkeypatch.setattr(thread, "TOUCHED_EVERY_S", 0.01)
    monkeypatch.setattr(thread, "TRIED_AGAIN_EVERY_S", 0.01)
    monkeypatch.setattr(thread, "TAKEN_OVER_EVERY_S", 0.01)


@contextmanager
def giving(process, **signs):
    sign_of_life = SignOfLife(Signs(**signs), process.read, WITHOUT_LOOKOUT)
    sign_of_life.start()
    try:
        yield sign_of_life
    finally:
        sign_of_life.stop()


def probed(address):
    try:
        with socket.create_connection(address, timeout=30) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            return b"".join(iter(lambda: client.recv(1000), b"")).partition(b"\r\n")[0]
    except OSError:
        return None


@pytest.fixture
def address():
    return ProbeAddress(LOOPBACK, any_free())


def test_settings_that_ask_for_nothing_are_false():
    assert not Signs()
    assert all([Signs(file="alive"), Signs(systemd=True), Signs(address=ProbeAddress(LOOPBACK, 8081))])


def test_a_probe_is_answered_until_the_end(process, address):
    with giving(process, address=address):
        wait_until(lambda: probed(address) == b"HTTP/1.1 200 OK")
        process.serving = False
        wait_until(lambda: probed(address) == b"HTTP/1.1 503 Service Unavailable")
    wait_until(lambda: probed(address) is None)


def test_a_second_process_says_once_that_the_port_is_taken_and_takes_over(process, address, caplog):
    with giving(Process(), address=address):
        wait_until(lambda: probed(address))
        with giving(process, address=address, file=os.devnull):
            wait_until(lambda: process.reads >= 3)  # it has tried as often
            (record,) = [record for record in caplog.records if "answers no probes" in record.getMessage()]
            in_use = os.strerror(errno.EADDRINUSE)
            assert f"answers no probes at {address}: {in_use}. If another" in record.getMessage()
            assert record.levelno == logging.WARNING
            process.serving = False
    with giving(process, address=address):
        wait_until(lambda: probed(address) == b"HTTP/1.1 503 Service Unavailable")


def test_a_process_takes_over_the_port_of_one_that_ends(process, address):
    process.serving = False
    first = SignOfLife(Signs(address=address), Process().read, WITHOUT_LOOKOUT)
    first.start()
    wait_until(lambda: probed(address))
    with giving(process, address=address):
        first.stop()
        wait_until(lambda: probed(address) == b"HTTP/1.1 503 Service Unavailable")


def test_the_file_is_touched_while_the_loops_serve(process, tmp_path):
    file = tmp_path / "alive"
    with giving(process, file=str(file)):
        wait_until(file.exists)
        os.utime(file, (0, 0))
        wait_until(lambda: file.stat().st_mtime > 0)


def test_the_file_is_left_alone_while_a_loop_is_blocked(process, tmp_path):
    process.serving = False
    file = tmp_path / "alive"
    with giving(process, file=str(file)):
        wait_until(lambda: process.reads >= 4)
        assert not file.exists()
        process.serving = True
        wait_until(file.exists)


def test_a_file_that_cannot_be_touched_is_reported_once_and_tried_again(process, tmp_path, caplog):
    folder = tmp_path / "run"
    with giving(process, file=str(folder / "alive")):
        wait_until(lambda: process.reads >= 3)
        folder.mkdir()
        wait_until((folder / "alive").exists)
    assert len([record for record in caplog.records if "no sign of life by the file" in record.getMessage()]) == 1


def test_a_file_whose_name_the_system_refuses_is_reported_once(process, caplog):
    with giving(process, file="alive\0"):
        wait_until(lambda: process.reads >= 3)
    (record,) = caplog.records
    assert "no sign of life by the file" in record.getMessage()


@pytest.fixture
def manager(tmp_path, monkeypatch):
    """The socket of a service manager that wants a message every hour, unless a test says otherwise."""
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("There are no such sockets here")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", str(3600 * 10**6))
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        yield manager


def test_systemd_is_notified_again_and_again(process, manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "10000")
    with giving(process, systemd=True):
        assert [manager.recv(100) for _ in range(2)] == [b"WATCHDOG=1"] * 2


def test_systemd_is_notified_soon_after_a_loop_was_blocked(process, manager):
    process.serving = False
    with giving(process, systemd=True):
        wait_until(lambda: process.reads >= 2)
        process.serving = True
        assert manager.recv(100) == b"WATCHDOG=1"


def test_systemd_is_notified_soon_after_that_has_failed(process, manager, tmp_path):
    hidden = (tmp_path / "notify").rename(tmp_path / "hidden")
    with giving(process, systemd=True):
        wait_until(lambda: process.reads >= 2)
        hidden.rename(tmp_path / "notify")
        assert manager.recv(100) == b"WATCHDOG=1"


def test_a_process_that_systemd_does_not_ask_says_so(process, monkeypatch, caplog):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    with giving(process, systemd=True):
        wait_until(lambda: "no sign of life for systemd" in caplog.text)


def test_an_error_that_is_not_expected_ends_nothing(process, tmp_path, caplog):
    process.error = ZeroDivisionError()
    file = tmp_path / "alive"
    with giving(process, file=str(file)):
        wait_until(lambda: "a bug in loopwatch" in caplog.text)
        assert not file.exists()
        process.error = None
        wait_until(file.exists)


def test_a_forked_child_keeps_none_of_the_sockets(process, address):
    sign_of_life = SignOfLife(Signs(address=address), process.read, WITHOUT_LOOKOUT)
    sign_of_life._server.accept_from(listener_at(address))
    sign_of_life.abandon()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=30)
    assert sign_of_life._waking.fileno() == sign_of_life._woken.fileno() == -1
