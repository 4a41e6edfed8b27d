"""``recording()`` around loops that no server runs: bots, workers, commands."""

import asyncio
import inspect
import threading
import time
from asyncio.events import Handle
from functools import partial

import pytest

from loopwatch import in_tests, recording, site_monitor, watch
from loopwatch.detection import monitor
from loopwatch.site_subscriber import SiteSubscriber
from tests.programs.bot import BARE_RUN, BOT, around_a_loop, leftovers, named, reports, stall
from tests.support.waiting import wait_until


async def generate_on_a_loop():
    yield


def test_a_decorated_function_is_what_it_was():
    assert inspect.iscoroutinefunction(recording(name="bot")(stall))
    assert recording(name="bot")(stall).__name__ == "stall"
    assert recording(name="bot")(max)(1, 2) == 2


@pytest.mark.real_stall
def test_what_a_block_raises_is_raised_and_what_it_recorded_is_reported():
    async def main():
        await stall()
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"), recording(name="bot"):
        asyncio.run(main())
    assert named() == ["bot"]


def test_only_where_a_loop_serves_requests_do_reports_wait_for_those_kept_out():
    """The last stall of any other loop would be reported only as the block ends."""

    async def main():
        subscriber = site_monitor._monitor._subscribers[asyncio.get_running_loop()]
        before = subscriber.counts_kept_out
        site_monitor.watch_running_loop()
        return before, subscriber.counts_kept_out

    with recording(name="bot"):
        assert asyncio.run(main()) == (False, True)


async def running_watchdog():
    site_monitor.watch_running_loop()
    (watchdog,) = (thread for thread in threading.enumerate() if thread.name == "loopwatch-watchdog")
    return watchdog


@pytest.mark.parametrize(
    "block", [partial(recording, name="bot"), watch, partial(watch, every_thread=True)], ids=["site", "thread", "all"]
)
def test_one_watchdog_serves_the_loops_that_run_one_after_the_other(server, block):
    """Otherwise each would have its own CPU budget, and a WSGI request would wait for one to start and end."""

    def run_loop():
        with block():
            return asyncio.run(running_watchdog())

    with block():
        assert run_loop() is run_loop()


def test_one_watchdog_serves_the_loops_of_a_server_that_run_one_after_the_other(server):
    assert asyncio.run(running_watchdog()) is asyncio.run(running_watchdog())


@pytest.mark.real_stall
def test_a_loop_does_not_wait_for_the_reports_of_the_loop_before_it(monkeypatch):
    is_running, receive = threading.Event(), SiteSubscriber.receive

    def receive_later(subscriber, call):
        assert is_running.wait(60)
        receive(subscriber, call)

    async def runs():
        is_running.set()

    monkeypatch.setattr(site_monitor, "STOP_TIMEOUT_S", 120)
    monkeypatch.setattr(SiteSubscriber, "receive", receive_later)
    with recording(name="bot"):
        asyncio.run(stall())
        asyncio.run(runs())
    assert named() == ["bot"]


@pytest.mark.real_stall
def test_a_stall_that_goes_on_as_the_block_ends_is_reported():
    begun, go_on = threading.Event(), threading.Event()

    async def hang():
        begun.set()
        go_on.wait(60)

    thread = threading.Thread(target=lambda: asyncio.run(hang()))
    with recording(name="bot"):
        thread.start()
        begun.wait(60)
        time.sleep(0.1)
    go_on.set()
    thread.join()
    (call,) = [call for call in reports if call.function.endswith("hang")]
    assert (call.ongoing, call.request) == (False, BOT)


def test_a_block_that_can_start_no_thread_as_it_ends_is_over(monkeypatch):
    start = threading.Thread.start

    def start_others(thread):
        if thread.name.startswith("loopwatch-stop"):
            raise RuntimeError("can't start new thread")
        start(thread)

    async def main():
        async with recording(name="bot"):
            pass
        return site_monitor._monitor.programs, monitor._monitor._hooks.watched

    monkeypatch.setattr(threading.Thread, "start", start_others)
    programs, watched = asyncio.run(main())
    assert not programs
    assert not watched
    assert site_monitor.stop(60)


def test_a_block_that_is_switched_off_installs_nothing(settings):
    settings.LOOPWATCH = {"ENABLED": False}

    before = leftovers()

    async def main():
        await asyncio.sleep(0)
        assert leftovers() == before

    with recording(name="bot"):
        asyncio.run(main())


def test_under_test_nothing_is_recorded(monkeypatch):
    monkeypatch.setattr(in_tests._run, "asking", 0)

    async def main():
        assert Handle._run is BARE_RUN

    with in_tests.running(), recording(name="bot"):
        asyncio.run(main())


def test_wrong_settings_are_logged_and_the_block_runs(settings, caplog):
    settings.LOOPWATCH = {"THRESHOLDMS": 50}
    around_a_loop()
    assert "THRESHOLD_MS" in caplog.text
    assert reports == []


@pytest.mark.parametrize(("name", "error"), [("", ValueError), (" ", ValueError), (None, TypeError), (7, TypeError)])
def test_a_name_is_a_string_that_says_something(name, error):
    with pytest.raises(error, match="name of a program"):
        recording(name=name)


@pytest.mark.real_stall
def test_a_block_that_waits_for_its_reports_keeps_no_other_from_entering(settings):
    monitor, is_free = site_monitor._monitor, []

    def deliver(call):
        wait_until(lambda: not monitor.programs)
        is_free.append(monitor._lock.acquire(timeout=site_monitor.STOP_TIMEOUT_S / 2))
        if is_free[-1]:
            monitor._lock.release()

    settings.LOOPWATCH = settings.LOOPWATCH | {"ON_BLOCKING_CALL": deliver}
    with recording(name="bot"):
        asyncio.run(stall())
    assert set(is_free) == {True}


@pytest.mark.parametrize("function", [lambda: (yield), generate_on_a_loop], ids=["generator", "asynchronous generator"])
def test_a_generator_function_is_refused_because_its_code_runs_after_the_call(function):
    with pytest.raises(TypeError, match="generator function"):
        recording(name="bot")(function)


def test_a_block_is_open_once():
    block = recording(name="bot")
    with block:
        with pytest.raises(RuntimeError, match="call recording"):
            block.__enter__()
        assert site_monitor._monitor.programs
    with block:
        pass


def test_a_block_gives_no_sign_of_life(settings, tmp_path):
    settings.LOOPWATCH |= {"LIVENESS_FILE": str(tmp_path / "alive")}

    async def main():
        assert "loopwatch-liveness" not in leftovers()[0]

    with recording(name="bot"):
        asyncio.run(main())
