"""``recording()`` around loops that no server runs: bots, workers, commands."""

import asyncio
import inspect
import os
import signal
import sys
import threading
import time
from asyncio.events import Handle

import pytest
from asgiref.sync import async_to_sync
from django.core.asgi import get_asgi_application
from django.urls import resolve

from loopwatch import in_tests, recording, site_monitor
from loopwatch.asgi import LoopWatch
from loopwatch.detection.calls import Request
from loopwatch.detection.timing.in_flight import current_request
from loopwatch.models import BlockingEvent, ProcessHealth
from tests.support.asgi import get
from tests.support.children import Child, run
from tests.support.waiting import wait_until

BARE_RUN = Handle._run
BOT = Request("program", route="bot")

reports = []


@pytest.fixture(autouse=True)
def site(settings):
    """Hand the stalls to ``reports``; check that a block leaves nothing behind."""
    reports.clear()
    settings.ROOT_URLCONF = "tests.site_urls"
    settings.ALLOWED_HOSTS = ["*"]
    settings.LOOPWATCH = {"THRESHOLD_MS": 40, "SINKS": [], "ON_BLOCKING_CALL": reports.append}
    resolve("/")
    before = leftovers()
    assert before[:2] == ([], BARE_RUN)
    yield
    assert current_request.get() is None
    assert leftovers() == before


@pytest.fixture
def server(site):
    """Stop, also after a run that was disturbed, what a server would stop as it ends."""
    yield
    assert site_monitor.stop(60)


def leftovers():
    threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("loopwatch")]
    return threads, Handle._run, signal.getsignal(signal.SIGTERM)


def named():
    """The routes of the stalls that are reported, in their order."""
    return [call.request and call.request.route for call in reports if call.method_name == "time.sleep"]


async def stall():
    time.sleep(0.06)
    await asyncio.sleep(0)


async def generate_on_a_loop():
    yield


def around_a_loop():
    with recording(name="bot"):
        asyncio.run(stall())


def in_a_coroutine():
    async def main():
        async with recording(name="bot"):
            await stall()

    asyncio.run(main())


def in_a_coroutine_without_async():
    async def main():
        with recording(name="bot"):
            await stall()

    asyncio.run(main())


@recording(name="bot")
def a_function():
    asyncio.run(stall())


def a_coroutine_function():
    asyncio.run(recording(name="bot")(stall)())


def a_loop_of_async_to_sync():
    with recording(name="bot"):
        async_to_sync(stall)()


def a_loop_in_a_thread():
    with recording(name="bot"):
        thread = threading.Thread(target=lambda: asyncio.run(stall()))
        thread.start()
        thread.join()


def a_callback_of_a_thread():
    async def main():
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def callback():
            time.sleep(0.06)
            done.set()

        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(callback,))
        thread.start()
        await done.wait()
        await asyncio.to_thread(thread.join)

    with recording(name="bot"):
        asyncio.run(main())


def a_task_that_is_older_than_the_block():
    async def older(begun):
        await begun.wait()
        time.sleep(0.06)

    async def main():
        begun = asyncio.Event()
        task = asyncio.create_task(older(begun))
        await asyncio.sleep(0)
        async with recording(name="bot"):
            begun.set()
            await task

    asyncio.run(main())


WAYS = [
    around_a_loop,
    in_a_coroutine,
    in_a_coroutine_without_async,
    a_function,
    a_coroutine_function,
    a_loop_of_async_to_sync,
    a_loop_in_a_thread,
    a_callback_of_a_thread,
    a_task_that_is_older_than_the_block,
]


@pytest.mark.real_stall
@pytest.mark.parametrize("way", WAYS)
def test_a_stall_of_a_program_is_reported_under_its_name(way):
    way()
    (call,) = [call for call in reports if call.method_name == "time.sleep"]
    assert call.request == BOT


@pytest.mark.real_stall
def test_a_loop_of_uvloop_is_recorded():
    uvloop = pytest.importorskip("uvloop")
    with recording(name="bot"), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(stall())
    assert named() == ["bot"]


def test_a_decorated_function_is_what_it_was():
    assert inspect.iscoroutinefunction(recording(name="bot")(stall))
    assert recording(name="bot")(stall).__name__ == "stall"
    assert recording(name="bot")(max)(1, 2) == 2


@pytest.mark.real_stall
def test_inside_another_block_the_inner_name_counts():
    async def main():
        await stall()
        async with recording(name="command"):
            await stall()
        await stall()

    with recording(name="bot"):
        asyncio.run(main())
    assert named() == ["bot", "command", "bot"]


@pytest.mark.real_stall
def test_concurrent_blocks_of_one_loop_have_their_own_names():
    async def one(name, others):
        async with recording(name=name):
            others.append(name)
            while len(others) < 2:
                await asyncio.sleep(0)
            await stall()

    async def main():
        together = []
        first = asyncio.create_task(one("first", together))
        async with recording(name="last"):
            await one("second", together)
            await first
            await stall()

    asyncio.run(main())
    assert sorted(named()) == ["first", "last", "second"]


@pytest.mark.real_stall
@pytest.mark.parametrize("runs", [lambda: asyncio.run(stall()), async_to_sync(stall)])
def test_concurrent_blocks_of_threads_have_their_own_names(runs):
    together = threading.Barrier(2)

    def job(name):
        with recording(name=name):
            together.wait(60)
            runs()

    threads = [threading.Thread(target=job, args=(name,)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(named()) == ["first", "second"]


@pytest.mark.real_stall
async def test_a_block_in_a_served_process_names_its_own_steps_alone(server):
    application = LoopWatch(get_asgi_application())
    await get(application, "/shop/7/")
    async with recording(name="bot"):
        await stall()
        await get(application, "/shop/7/")
        await asyncio.create_task(get(application, "/child/"))
    assert asyncio.get_running_loop() in site_monitor._monitor._subscribers
    await get(application, "/shop/7/")
    assert await asyncio.to_thread(site_monitor.flush)
    assert named() == ["shop/<int:pk>/", "bot", "shop/<int:pk>/", "child/", "shop/<int:pk>/"]


@pytest.mark.real_stall
async def test_a_block_in_a_thread_of_a_served_process_names_no_steps_of_other_loops(server):
    await get(LoopWatch(get_asgi_application()), "/quick/")
    entered, go_on = threading.Event(), threading.Event()

    def job():
        with recording(name="bot"):
            entered.set()
            go_on.wait(60)
            asyncio.run(stall())

    thread = asyncio.create_task(asyncio.to_thread(job))
    await asyncio.to_thread(entered.wait, 60)
    await asyncio.create_task(stall())
    await asyncio.to_thread(lambda: asyncio.run(stall()))
    go_on.set()
    await thread
    assert await asyncio.to_thread(site_monitor.flush)
    assert named() == [None, None, "bot"]


@pytest.mark.real_stall
def test_what_a_block_raises_is_raised_and_what_it_recorded_is_reported():
    async def main():
        await stall()
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"), recording(name="bot"):
        asyncio.run(main())
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
    settings.LOOPWATCH = {"THRESHHOLD_MS": 50}
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


@pytest.fixture
def sigterm():
    """Let this process handle SIGTERM by default."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def test_the_default_of_sigterm_is_back_after_the_block(sigterm):
    with recording(name="bot"):
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        with recording(name="inner"):
            pass
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_sigterm_is_handled_until_the_last_of_overlapping_blocks_has_ended(sigterm):
    async def main():
        entered, ended = asyncio.Event(), asyncio.Event()

        async def first():
            async with recording(name="first"):
                await entered.wait()
            ended.set()

        async def second():
            async with recording(name="second"):
                entered.set()
                await ended.wait()
                assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL

        await asyncio.gather(first(), second())

    asyncio.run(main())
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.default_int_handler])
def test_a_program_that_handles_sigterm_keeps_its_handler(sigterm, handler):
    with recording(name="bot"):
        signal.signal(signal.SIGTERM, handler)
    with recording(name="bot"):
        assert signal.getsignal(signal.SIGTERM) is handler
    assert signal.getsignal(signal.SIGTERM) is handler


@pytest.mark.real_stall
def test_the_blocks_of_a_process_are_stored_under_their_names_and_it_is_one_process(settings, database):
    settings.LOOPWATCH = {"THRESHOLD_MS": 40, "SINKS": ["database"]}
    for _ in range(2):
        around_a_loop()
    stored = BlockingEvent.objects.filter(finding__blocking_call="time.sleep")
    assert [(each.request_kind, each.method, each.route) for each in stored] == [("program", "", "bot")] * 2
    assert [each.stored for each in ProcessHealth.objects.all()] == [BlockingEvent.objects.count()]


def test_a_block_gives_no_sign_of_life(settings, tmp_path):
    settings.LOOPWATCH |= {"LIVENESS_FILE": str(tmp_path / "alive")}

    async def main():
        assert "loopwatch-liveness" not in leftovers()[0]

    with recording(name="bot"):
        asyncio.run(main())


PROGRAM = """
import asyncio, os, sys, time
from django.conf import settings
import loopwatch

def report(call):
    print("stalled", os.getpid(), call.request.route, flush=True)

async def main():
    time.sleep(0.1)
    await asyncio.sleep(0)
"""
SET_UP = """
settings.configure(
    INSTALLED_APPS=["loopwatch"], SECRET_KEY="x", DATABASES={},
    LOOPWATCH={"SINKS": [], "ON_BLOCKING_CALL": report, "ONGOING_AFTER_S": 3600},
)
import django; django.setup()
"""


@pytest.mark.parametrize("set_up", ["", "settings.configure(INSTALLED_APPS=['loopwatch'])"])
def test_a_program_that_has_not_set_django_up_is_told_so_and_runs(set_up):
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    run_in_block = "\nwith loopwatch.recording(name='bot'):\n    asyncio.run(main())\nprint('over')\n"
    done = run([sys.executable, "-c", PROGRAM + set_up + run_in_block], env=environment)
    assert done.stdout == "over\n"
    assert "django.setup()" in done.stderr
    assert "Traceback" not in done.stderr


FORKING = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # a process with threads forks
with loopwatch.recording(name="bot"):
    asyncio.run(main())
    child = os.fork()
    asyncio.run(main())
if child == 0:
    assert loopwatch.stats().loops == 0
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
with loopwatch.recording(name="after"):
    asyncio.run(main())
"""


@pytest.mark.real_stall
@pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no fork here")
def test_a_child_that_is_forked_in_a_block_is_recorded_too():
    done = run([sys.executable, "-c", PROGRAM + SET_UP + FORKING])
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert sorted(name for _, _, name in lines) == ["after", "bot", "bot", "bot"]
    assert len({process for _, process, _ in lines}) == 2


ENDLESS = """
async def endless():
    time.sleep(0.1)
    print("hanging", flush=True)
    time.sleep(600)

with loopwatch.recording(name="bot"):
    asyncio.run(endless())
"""


@pytest.mark.real_stall
@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGTERM here")
def test_a_program_that_sigterm_ends_reports_even_the_stall_that_goes_on(tmp_path):
    with Child([sys.executable, "-c", PROGRAM + SET_UP + ENDLESS], log=tmp_path / "log") as child:
        wait_until(lambda: "hanging" in child.output(), otherwise=child.output)
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == -signal.SIGTERM
        assert f"stalled {child.pid} bot" in child.output()
        assert "Traceback" not in child.output()
