"""The lookout in a process: it sees what keeps the GIL, ends with the watch, and says why it cannot be used."""

import asyncio
import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from loopwatch import watch
from loopwatch.detection import monitor
from loopwatch.detection.cpython.known_versions import STACKS_READABLE
from loopwatch.detection.lookout import lifetimes
from loopwatch.detection.lookout import lookout as module
from loopwatch.detection.lookout.lookout import IN_USE, STARTING, Lookout
from loopwatch.detection.lookout.memory import DUE, STALLED_SINCE
from loopwatch.detection.machine.clock import NEVER, now
from testproject.demo.ports import LOOPBACK
from tests.support.waiting import wait_until

OPEN_FILES = Path("/proc/self/fd")
needs_lookout = pytest.mark.skipif(
    sys.platform != "linux" or sys.version_info[:2] not in STACKS_READABLE,
    reason="the lookout needs Linux and Python 3.15",
)


@pytest.fixture
def lookout():
    lookout = Lookout()
    yield lookout
    lookout.stop()


@pytest.fixture
def running(lookout):
    lookout.start(watchdog=0, tells_after_s=NEVER)
    wait_until(lambda: lookout.state != STARTING)
    assert lookout.state == IN_USE
    return lookout


def raise_to(exponent):
    return 3**exponent


def seen_raising(lookout, longer_than_s=0.0):
    """What the lookout sees of ``raise_to``, which takes longer each time, until it is seen for that long."""
    exponent = 400_000
    while True:
        lookout.expect(now())
        raise_to(exponent)
        lookout.read()
        looks = [look for look in lookout.looks if look.frames[0].function == "raise_to"]
        if looks and looks[-1].lasted_s > longer_than_s:
            return looks[-1]
        exponent += exponent // 4


@needs_lookout
def test_an_operator_that_keeps_the_gil_is_seen_with_its_columns(running):
    look = seen_raising(running)
    assert look.thread_id == threading.get_native_id()
    assert look.frames[0].filename == __file__
    assert look.frames[0].end_column - look.frames[0].column == len("3**exponent")


@needs_lookout
def test_nothing_is_looked_at_while_the_watchdog_wants_nothing(running):
    raise_to(400_000)
    running.read()
    assert list(running.looks) == []


@needs_lookout
def test_nothing_is_left_when_it_ends(lookout, tmp_path):
    interpreters = pytest.importorskip("concurrent.interpreters")
    before = _open_files(), interpreters.list_all()
    lookout.start(watchdog=0, tells_after_s=NEVER, hold_folder=str(tmp_path / "holds"))
    wait_until(lambda: lookout.state == IN_USE)
    with socket.create_server((LOOPBACK, 0)) as listener:
        lookout.answer_probes(listener, 10.0)
        lookout.stop()
    assert lookout.state == "ended"
    assert (_open_files(), interpreters.list_all()) == before
    assert not any(each.name == "loopwatch-lookout" for each in threading.enumerate())


def _open_files():
    return len(list(OPEN_FILES.iterdir()))


@needs_lookout
@pytest.mark.parametrize("name", ["missing/holds", "a\0b"])
def test_a_folder_that_cannot_be_used_is_reported_and_the_lookout_works_without(lookout, tmp_path, caplog, name):
    lookout.start(watchdog=0, tells_after_s=NEVER, hold_folder=str(tmp_path / name))
    wait_until(lambda: lookout.state != STARTING)
    assert lookout.state == IN_USE
    assert caplog.text.count("it will not be stored") == 1


@needs_lookout
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_port_stays_open_exactly_until_it_is_taken_back(lookout, when):
    listener = socket.create_server((LOOPBACK, 0))
    address = listener.getsockname()
    with listener:
        if when == "before":
            lookout.answer_probes(listener, 10.0)
        lookout.start(watchdog=0, tells_after_s=NEVER)
        wait_until(lambda: lookout.state == IN_USE)
        if when == "after":
            lookout.answer_probes(listener, 10.0)
    assert is_open(address)
    lookout.answer_probes(None, 10.0)
    wait_until(lambda: not is_open(address))


def is_open(address):
    try:
        socket.create_connection(address, timeout=30).close()
    except ConnectionRefusedError:
        return False
    return True


@needs_lookout
def test_it_may_end_before_it_has_begun():
    for _ in range(20):
        lookout = Lookout()
        lookout.start(watchdog=0, tells_after_s=NEVER)
        lookout.stop()
        assert lookout.state == "ended"


@needs_lookout
def test_a_process_that_ends_while_it_starts_waits_for_none(lookout, monkeypatch):
    def ends_first(*arguments):  # as the thread that ends the process may, at any moment of a start
        lookout.stop()
        return begin(*arguments)

    begin = lifetimes.begin
    monkeypatch.setattr(lifetimes, "begin", ends_first)
    open_before = len(list(OPEN_FILES.iterdir()))
    lookout.announce()
    lookout.start(watchdog=0, tells_after_s=NEVER)
    assert (lookout.state, lookout.is_running) == ("ended", False)
    assert len(list(OPEN_FILES.iterdir())) == open_before


@needs_lookout
def test_it_does_not_start_once_the_process_ends(lookout, monkeypatch):
    at_exit = []
    monkeypatch.setattr(module.atexit, "register", at_exit.append)
    lookout.announce()
    for function in at_exit:
        function()
    lookout.start(watchdog=0, tells_after_s=NEVER)
    assert (lookout.state, lookout.is_running) == ("ended", False)


@needs_lookout
def test_it_is_not_started_twice(running):
    running.start(watchdog=0, tells_after_s=NEVER)
    assert len([each for each in threading.enumerate() if each.name == "loopwatch-lookout"]) == 1


@needs_lookout
def test_no_line_is_written_in_a_process_that_began_without_standard_error(lookout, monkeypatch, capfd):
    monkeypatch.setattr(sys, "__stderr__", None)
    lookout.start(watchdog=0, tells_after_s=0.01)
    wait_until(lambda: lookout.state == IN_USE)
    seen_raising(lookout, longer_than_s=0.05)
    lookout.stop()
    assert capfd.readouterr().err == ""


@needs_lookout
@pytest.mark.parametrize("call", ["memfd_create", "ftruncate"])
def test_a_call_that_is_forbidden_leaves_the_work_to_the_watchdog(lookout, monkeypatch, call):
    def forbidden(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, call, forbidden)
    lookout.start(watchdog=0, tells_after_s=NEVER)
    assert lookout.state == "its memory cannot be shared: [Errno 1] Operation not permitted"


@needs_lookout
def test_a_subinterpreter_that_cannot_be_made_leaves_the_work_to_the_watchdog(lookout, monkeypatch):
    interpreters = pytest.importorskip("concurrent.interpreters")

    def create():
        raise interpreters.InterpreterError("out of memory")

    monkeypatch.setattr(interpreters, "create", create)
    lookout.start(watchdog=0, tells_after_s=NEVER)
    wait_until(lambda: lookout.state != STARTING)
    assert lookout.state == "it could not begin: out of memory"


@needs_lookout
def test_a_stack_that_cannot_be_read_leaves_the_work_to_the_watchdog(lookout, monkeypatch):
    monkeypatch.setattr(module, "_ENTRY", "raise RuntimeError('a known stack was read wrongly')")
    lookout.start(watchdog=0, tells_after_s=NEVER)
    wait_until(lambda: lookout.state != STARTING)
    assert lookout.state == "it could not begin: RuntimeError: a known stack was read wrongly"


@needs_lookout
def test_a_thread_that_cannot_start_leaves_the_work_to_the_watchdog(lookout, monkeypatch):
    def start(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    lookout.start(watchdog=0, tells_after_s=NEVER)
    assert lookout.state == "its thread cannot start: can't start new thread"


@pytest.mark.skipif(sys.version_info[:2] in STACKS_READABLE, reason="this Python has a lookout")
def test_another_python_is_named_as_the_reason(lookout):
    lookout.start(watchdog=0, tells_after_s=NEVER)
    python = ".".join(map(str, sys.version_info[:2]))
    expected = "it needs Linux" if sys.platform != "linux" else f"it needs Python 3.15, and this is {python}"
    assert lookout.state == expected


@needs_lookout
@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_where_memory_is_limited_it_is_not_started(lookout, monkeypatch, kind):
    resource = pytest.importorskip("resource")
    limited = {getattr(resource, kind): (2**33, 2**33)}
    monkeypatch.setattr(resource, "getrlimit", lambda each: limited.get(each, (resource.RLIM_INFINITY,) * 2))
    lookout.start(watchdog=0, tells_after_s=NEVER)
    assert lookout.state == "the memory of the process is limited (ulimit -v or -d)"


@needs_lookout
def test_without_a_gil_it_is_not_started(lookout, monkeypatch):
    monkeypatch.setattr(module, "is_gil_enabled", lambda: False)
    lookout.start(watchdog=0, tells_after_s=NEVER)
    assert lookout.state == "the GIL is off"


def test_a_watch_has_none_unless_it_asks_for_one():
    async def main():
        with watch():
            return monitor.watchdog_figures().lookout

    assert asyncio.run(main()) == "switched off"


@needs_lookout
def test_a_watch_that_asks_has_one_and_takes_it_along():
    async def main():
        with watch(lookout=True):
            while monitor.watchdog_figures().lookout != IN_USE:
                await asyncio.sleep(0.001)

    asyncio.run(main())
    assert not any(each.name == "loopwatch-lookout" for each in threading.enumerate())


def test_it_is_told_since_when_a_step_keeps_requests_waiting_and_that_it_is_over():
    watcher = watch(threshold_ms=10)
    watcher.counts_kept_out = True

    async def main():
        with watcher:
            memory = monitor.current_lookout()._memory
            began = now()
            await asyncio.sleep(0)
            wait_until(lambda: began < memory[STALLED_SINCE] < now())
            while memory[STALLED_SINCE] < NEVER:
                await asyncio.sleep(0.001)

    asyncio.run(main())


@needs_lookout
def test_a_thread_that_keeps_the_gil_while_the_loop_rests_is_seen():
    def is_seen_raising():
        """Raise to ever greater powers, each time when the watchdog has parked, until one took ten seconds."""
        lookout = monitor._monitor._watchdog.lookout
        exponent, took_s = 1_000_000, 0.0
        while took_s < 10:
            wait_until(lambda: lookout._memory[DUE] > now() + 0.5)
            began = now()
            raise_to(exponent)
            took_s = now() - began
            lookout.read()
            if any(look.frames[0].function == "raise_to" for look in lookout.looks):
                return True
            exponent *= 2
        return False

    async def main():
        with watch(lookout=True):
            while monitor.watchdog_figures().lookout != IN_USE:
                await asyncio.sleep(0.001)
            return await asyncio.to_thread(is_seen_raising)

    assert asyncio.run(main())
