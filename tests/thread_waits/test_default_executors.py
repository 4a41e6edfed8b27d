"""Calls that wait for a free thread of a loop's default executor are reported, and nothing else about them changes."""

import asyncio
import concurrent.futures
import contextvars
import gc
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from types import MethodType

import pytest
import uvloop
from asgiref.sync import sync_to_async
from django.utils.functional import SimpleLazyObject

from loopwatch.thread_waits import thread_queue
from loopwatch.thread_waits.default_executors import DefaultExecutors
from loopwatch.thread_waits.thread_wait import HeldThreads

ONGOING_AFTER_S = 60
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
on_each_loop = pytest.mark.parametrize("new_loop", LOOPS, ids=["asyncio", "uvloop"])
secret = contextvars.ContextVar("secret", default="none")


class Clock:
    """A clock that advances only by a microsecond per look, so that no moment comes twice."""

    def __init__(self):
        self.at = 0.0

    def __call__(self):
        self.at += 1e-6
        return self.at


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(thread_queue, "now", clock)
    return clock


@contextmanager
def measured(loop, report=print, threshold_s=0.0, ongoing_after_s=ONGOING_AFTER_S):
    hooks = DefaultExecutors()
    hooks.install(loop, threshold_s, ongoing_after_s, report)
    try:
        yield hooks
    finally:
        hooks.uninstall_all()


def run_measured(new_loop, main, report=print, **options):
    """Run a coroutine function on a new loop while the waits for its default executor are measured."""
    with asyncio.Runner(loop_factory=new_loop) as runner, measured(runner.get_loop(), report, **options):
        return runner.run(main())


class Gate:
    """Lets calls through when it is opened, and knows how many have begun."""

    def __init__(self):
        self._opened = threading.Event()
        self._begun = threading.Semaphore(0)

    def render(self):
        self._begun.release()
        assert self._opened.wait(60)

    def send(self):
        self.render()

    def open(self):
        self._opened.set()

    async def until_begun(self, calls):
        """Wait without the default executor, which is full."""
        with ThreadPoolExecutor(1) as pool:
            for _ in range(calls):
                assert await asyncio.get_running_loop().run_in_executor(pool, self._begun.acquire, True, 60)


async def fill(gate, *, render, send, behind, threads):
    """Hold all threads of the default executor, and have this many calls wait ``behind`` them."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(threads))
    holding = [asyncio.ensure_future(asyncio.to_thread(call)) for call in [gate.render] * render + [gate.send] * send]
    await gate.until_begun(render + send)
    return [*holding, *(loop.run_in_executor(None, int) for _ in range(behind))]


@on_each_loop
def test_a_call_behind_a_full_executor_waits_for_the_calls_that_hold_its_threads(new_loop, clock):
    async def main():
        gate = Gate()
        calls = await fill(gate, render=2, send=1, behind=1, threads=3)
        clock.at = 2.2
        gate.open()
        await asyncio.gather(*calls)

    reported = []
    run_measured(new_loop, main, reported.append)
    (wait,) = reported
    assert (wait.thread, wait.threads, wait.waiting) == ("executor", 3, 1)
    assert round(wait.waited_ms) == 2200
    assert wait.held == (HeldThreads(f"{__name__}.Gate.render", 2), HeldThreads(f"{__name__}.Gate.send", 1))


@on_each_loop
def test_calls_that_wait_for_a_full_executor_at_the_same_time_are_counted(new_loop, clock):
    async def main():
        gate = Gate()
        calls = await fill(gate, render=3, send=0, behind=4, threads=3)
        clock.at = 2.2
        gate.open()
        await asyncio.gather(*calls)

    reported = []
    run_measured(new_loop, main, reported.append)
    assert max(wait.waiting for wait in reported) == 4


@on_each_loop
def test_calls_that_find_a_free_thread_are_not_reported(new_loop):
    async def main():
        gate = Gate()
        calls = await fill(gate, render=6, send=0, behind=0, threads=8)
        for _ in range(10):
            await asyncio.to_thread(int)
        gate.open()
        await asyncio.gather(*calls)

    reported = []
    run_measured(new_loop, main, reported.append)
    assert not reported


@on_each_loop
def test_a_full_executor_is_reported_while_calls_still_wait_for_it(new_loop, clock):
    reported = SimpleQueue()

    async def main():
        gate = Gate()
        calls = await fill(gate, render=1, send=1, behind=3, threads=2)
        clock.at = 60
        with ThreadPoolExecutor(1) as pool:
            wait = await asyncio.get_running_loop().run_in_executor(pool, reported.get, True, 60)
        gate.open()
        await asyncio.gather(*calls)
        return wait

    wait = run_measured(new_loop, main, reported.put, ongoing_after_s=0.05)
    assert (wait.ongoing, wait.threads, wait.waiting) == (True, 2, 3)
    assert {each.name.rpartition(".")[2]: each.threads for each in wait.held} == {"render": 1, "send": 1}


def test_calls_that_are_not_thread_sensitive_wait_for_the_default_executor(clock):
    async def main():
        gate = Gate()
        calls = await fill(gate, render=1, send=0, behind=0, threads=1)
        calls.append(asyncio.ensure_future(sync_to_async(int, thread_sensitive=False)()))
        await asyncio.sleep(0)
        clock.at = 60
        gate.open()
        await asyncio.gather(*calls)

    reported = []
    run_measured(asyncio.new_event_loop, main, reported.append)
    assert [wait.held_by for wait in reported] == [f"{__name__}.Gate.render"]


@on_each_loop
def test_results_exceptions_arguments_and_context_of_a_call_are_unchanged(new_loop):
    async def main():
        loop = asyncio.get_running_loop()
        secret.set("kept")
        assert await asyncio.to_thread(secret.get) == "kept"
        assert await loop.run_in_executor(None, secret.get) == "none"
        assert await loop.run_in_executor(executor=None, func=dict) == {}
        assert await loop.run_in_executor(None, divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(divmod, 1, 0)
        with pytest.raises(TypeError, match="not callable"):
            await loop.run_in_executor(None, 5)

    run_measured(new_loop, main)


@on_each_loop
@pytest.mark.parametrize(
    "work",
    [
        pytest.param(asyncio.sleep, id="coroutine function"),
        pytest.param(partial(asyncio.sleep, 0), id="partial"),
        pytest.param(asyncio.Event().wait, id="method"),
        pytest.param(5, id="number"),
    ],
)
def test_what_a_loop_in_debug_mode_refuses_is_refused_with_the_same_words(new_loop, work):
    async def refusal():
        asyncio.get_running_loop().set_debug(True)
        with pytest.raises(TypeError) as error:
            await asyncio.get_running_loop().run_in_executor(None, work)
        return str(error.value)

    with asyncio.Runner(loop_factory=new_loop) as bare:
        assert run_measured(new_loop, refusal) == bare.run(refusal())


class Lazy(SimpleLazyObject):
    """A function that is made when it is first needed."""

    def __call__(self, *args):
        return [bool(self), *args]


@pytest.mark.parametrize("wrap", [lambda lazy: lazy, partial, lambda lazy: MethodType(lazy, "an order")])
def test_a_lazy_function_is_not_made_on_the_loops_thread(wrap):
    made_in = []

    async def main():
        lazy = Lazy(lambda: made_in.append(threading.current_thread()))
        await asyncio.get_running_loop().run_in_executor(None, wrap(lazy))

    run_measured(asyncio.new_event_loop, main)
    assert len(made_in) == 1
    assert made_in != [threading.current_thread()]


@on_each_loop
def test_a_waiting_call_can_be_cancelled_and_waits_no_longer(new_loop):
    ran = []

    async def main():
        gate = Gate()
        calls = await fill(gate, render=1, send=0, behind=0, threads=1)
        waiting = asyncio.get_running_loop().run_in_executor(None, ran.append, "cancelled")
        assert waiting.cancel()
        await asyncio.sleep(0)  # the loop passes it on to the executor
        gate.open()
        await asyncio.gather(*calls)
        await asyncio.to_thread(ran.append, "last")

    reported = []
    run_measured(new_loop, main, reported.append)
    assert ran == ["last"]
    assert [wait.waiting for wait in reported if wait.waiting > 1] == []


@on_each_loop
def test_an_executor_that_is_shut_down_refuses_calls_as_before(new_loop):
    async def main():
        loop = asyncio.get_running_loop()
        await loop.shutdown_default_executor()
        with pytest.raises(RuntimeError, match="shutdown"):
            await asyncio.to_thread(int)

    run_measured(new_loop, main)


@on_each_loop
def test_uninstalling_leaves_nothing_in_the_loop(new_loop):
    with asyncio.Runner(loop_factory=new_loop) as runner:
        loop = runner.get_loop()
        before = dict(vars(loop))
        with measured(loop):
            assert "run_in_executor" in vars(loop)
        assert dict(vars(loop)) == before


def test_a_loop_that_other_code_has_hooked_keeps_that_hook():
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        with measured(loop):
            ours = loop.run_in_executor
            loop.run_in_executor = theirs = partial(ours)
        assert vars(loop)["run_in_executor"] is theirs
        assert runner.run(asyncio.to_thread(int)) == 0


def test_a_subclass_that_overrides_the_method_is_called():
    class Counting(asyncio.SelectorEventLoop):
        calls = 0

        def run_in_executor(self, executor, func, *args):
            self.calls += 1
            return super().run_in_executor(executor, func, *args)

    with asyncio.Runner(loop_factory=Counting) as runner, measured(runner.get_loop()):
        runner.run(asyncio.to_thread(int))
        assert runner.get_loop().calls == 1


@on_each_loop
def test_an_executor_may_ask_for_the_name_of_the_function(new_loop):
    class Logging(ThreadPoolExecutor):
        def submit(self, work, /, *args):
            names.append(work.__name__)
            return super().submit(work, *args)

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(Logging(1))
        return await loop.run_in_executor(None, len, "four")

    names = []
    assert run_measured(new_loop, main) == 4
    assert names == ["len"]


def test_a_call_queued_before_uninstalling_runs_and_is_not_reported():
    reported = []

    async def main():
        gate = Gate()
        with measured(asyncio.get_running_loop(), reported.append):
            calls = await fill(gate, render=1, send=0, behind=2, threads=1)
        gate.open()
        return await asyncio.gather(*calls)

    assert asyncio.run(main())[1:] == [0, 0]
    assert not reported


def test_a_loop_that_was_measured_can_be_freed():
    loop = asyncio.new_event_loop()
    gone = weakref.ref(loop)
    with measured(loop):
        loop.run_until_complete(asyncio.to_thread(int))
        loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    del loop
    gc.collect()
    assert gone() is None


def test_a_loop_that_takes_no_attributes_is_left_alone_and_the_log_says_so_once(caplog):
    class Sealed:
        __slots__ = ()

        def run_in_executor(self, executor, func, *args):
            """Never called."""

        def set_default_executor(self, executor):
            """Never called."""

    hooks = DefaultExecutors()
    for loop in (Sealed(), Sealed()):
        hooks.install(loop, 0.0, ONGOING_AFTER_S, print)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "loopwatch"]
    assert "not measured" in line


@pytest.mark.skipif(sys.version_info < (3, 14), reason="There are no pools of interpreters before Python 3.14")
@on_each_loop
def test_a_pool_of_interpreters_gets_functions_as_they_are(new_loop):
    async def main():
        asyncio.get_running_loop().set_default_executor(concurrent.futures.InterpreterPoolExecutor(1))
        return await asyncio.get_running_loop().run_in_executor(None, lambda: "cannot be pickled")

    assert run_measured(new_loop, main) == "cannot be pickled"


@pytest.mark.skipif(sys.version_info < (3, 14), reason="There are no pools of interpreters before Python 3.14")
def test_a_pool_of_interpreters_that_asyncio_had_before_measuring_gets_functions_as_they_are():
    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(concurrent.futures.InterpreterPoolExecutor(1))
        with measured(loop):
            return await loop.run_in_executor(None, lambda: "cannot be pickled")

    assert asyncio.run(main()) == "cannot be pickled"
