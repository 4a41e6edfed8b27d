"""What the tracing engine reports: the culprit's own time, and how often it was called, from one stall."""

import asyncio
import sys
import threading
import time

import pytest

from loopwatch import watch
from loopwatch.detection import monitor
from loopwatch.detection.calls import Cause
from tests.support.witness import Witness

pytestmark = pytest.mark.real_time

THRESHOLD_MS = 20.0
STALL_S = 0.06
TINY_S = 0.0008
TASK_NAME = "the work"


def pause():
    time.sleep(STALL_S)


def compute(cpu_s):
    """Compute for that long, however much of it other processes have the CPU."""
    until = time.thread_time() + cpu_s
    while time.thread_time() < until:
        pass


def tiny():
    compute(TINY_S)


async def traced(work, **options):
    """The reports of ``work()``, a coroutine function, run as a separate task."""
    with watch(threshold_ms=options.pop("threshold_ms", THRESHOLD_MS), engine="tracing", **options) as watcher:
        await asyncio.create_task(work(), name=TASK_NAME)
    # On a busy machine any step may take long.
    return [call for call in watcher.calls if call.task_name == TASK_NAME]


async def only(work, **options):
    (call,) = await traced(work, **options)
    assert call.engine == "tracing"
    return call


def contribution(call, name):
    (found,) = [each for each in call.contributions if each.name == name]
    return found


async def test_a_c_function_has_its_own_time():
    async def work():
        pause()

    call = await only(work)
    assert call.method_name == "time.sleep"
    assert call.is_c_call
    assert call.exact
    assert call.cause is Cause.WAITING
    assert call.function.endswith(".pause")
    assert call.source == "time.sleep(STALL_S)"
    assert STALL_S * 1000 <= call.duration_ms < call.step_ms


async def test_the_step_that_the_block_begins_in_is_traced_and_so_is_the_one_it_ends_in():
    with watch(threshold_ms=THRESHOLD_MS, engine="tracing") as watcher:
        pause()
        await asyncio.sleep(0)
        pause()
    counts = [contribution(call, "time.sleep").count for call in watcher.calls if call.method_name == "time.sleep"]
    assert counts == [1, 1]


async def test_a_loop_in_a_coroutine_is_the_coroutines():
    async def work():
        await asyncio.sleep(0)
        until = time.thread_time() + STALL_S
        while time.thread_time() < until:
            pass

    call = await only(work)
    assert call.function.endswith("work")
    assert not call.cause.is_machine


async def test_calls_are_counted():
    async def work():
        for _ in range(100):
            tiny()

    call = await only(work)
    # ``compute`` does the work; each of its calls was inside one of ``tiny``.
    found = contribution(call, f"{__name__}.compute")
    assert found.count == 100
    assert found.total_ms >= found.own_ms > 0
    assert found.total_ms >= 90 * TINY_S * 1000


async def test_c_calls_are_counted():
    async def work():
        for _ in range(60):
            time.sleep(0.001)

    call = await only(work)
    assert call.method_name == "time.sleep"
    assert contribution(call, "time.sleep").count == 60


async def test_calls_too_quick_to_be_traced_beside_some_that_are():
    async def work():
        for number in range(400):
            time.sleep(0.001 if number % 50 == 0 else 0.00005)

    call = await only(work)
    assert call.method_name == "time.sleep"
    assert call.exact
    assert call.duration_ms > call.step_ms / 2


async def test_a_stall_far_below_what_samples_resolve(real_time):
    async def work():
        for _ in range(3):
            time.sleep(0.0025)
            await asyncio.sleep(0)

    for run in real_time.runs(loop="asyncio", engine="tracing"):
        with Witness() as witness:
            calls = await traced(work, threshold_ms=2)
        sleeps = [call for call in calls if call.method_name == "time.sleep"]
        if not all(call.exact and call.duration_ms >= 2.5 for call in sleeps):
            run.false(str(sleeps))
        elif len(sleeps) == 3:
            run.exact()
        else:
            run.inexact(witness, str(calls))


async def test_a_call_that_raises_is_timed():
    async def work():
        with pytest.raises(TypeError):
            sorted([3, "x"], key=lambda value: pause() or value)

    call = await only(work)
    assert call.method_name == "time.sleep"
    assert contribution(call, "time.sleep").count == 2


async def test_python_code_that_raises_is_timed():
    def fail():
        until = time.thread_time() + STALL_S / 4
        while time.thread_time() < until:
            pass
        raise KeyError

    async def work():
        for _ in range(2):
            with pytest.raises(KeyError):
                fail()
        pause()

    call = await only(work)
    (failing,) = [each for each in call.contributions if each.name.endswith("fail")]
    assert failing.count == 2
    assert contribution(call, "time.sleep").count == 1


async def test_a_generator_that_is_thrown_into_and_closed_is_timed():
    def rows():
        while True:
            try:
                yield
            except ValueError:
                pause()

    async def work():
        generator = rows()
        next(generator)
        generator.throw(ValueError)
        generator.close()

    call = await only(work)
    assert call.method_name == "time.sleep"
    assert [frame.function.rpartition(".")[2] for frame in call.stack][-2:] == ["rows", "pause"]


async def test_calls_made_by_a_generator_are_counted():
    def rows():
        for _ in range(40):
            compute(0.002)
            yield 1

    async def work():
        sum(rows())

    call = await only(work)
    assert contribution(call, f"{__name__}.compute").count == 40


async def test_recursion_is_timed():
    def descend(depth):
        if depth:
            descend(depth - 1)
        else:
            pause()

    async def work():
        descend(50)

    call = await only(work)
    assert call.method_name == "time.sleep"
    assert call.duration_ms >= STALL_S * 1000


async def test_time_goes_to_the_call_that_took_it_not_to_the_one_after():
    def before():
        compute(STALL_S)

    def after():
        return len([])

    async def work():
        before()
        for _ in range(100):
            after()

    call = await only(work)
    assert call.function == f"{__name__}.compute"


async def test_a_call_begun_before_the_tracer_was_there():
    def watched():
        watcher = watch(threshold_ms=THRESHOLD_MS, engine="tracing")
        watcher.__enter__()
        return watcher

    watcher = watched()
    pause()
    watcher.__exit__(None, None, None)
    assert "time.sleep" in [call.method_name for call in watcher.calls]


async def test_threads_that_run_no_watched_loop_are_not_traced():
    def elsewhere():
        for _ in range(20):
            time.sleep(0.005)

    async def work():
        thread = threading.Thread(target=elsewhere)
        thread.start()
        pause()
        thread.join()

    call = await only(work)
    assert contribution(call, "time.sleep").own_ms < 2 * STALL_S * 1000
    assert contribution(call, "time.sleep").count == 1


async def test_both_engines_at_once_each_report_for_themselves():
    with (
        watch(threshold_ms=THRESHOLD_MS) as sampling,
        watch(threshold_ms=10 * STALL_S * 1000, engine="tracing") as high,
        watch(threshold_ms=THRESHOLD_MS, engine="tracing") as tracing,
    ):
        await asyncio.sleep(0)
        pause()
        await asyncio.sleep(0)
    assert high.calls == []
    for watcher, engine, count in ((sampling, "sampling", None), (tracing, "tracing", 1)):
        assert {call.engine for call in watcher.calls} == {engine}
        (call,) = [call for call in watcher.calls if call.method_name == "time.sleep"]
        assert contribution(call, "time.sleep").count == count


def test_two_loops_in_two_threads_are_traced_apart():
    names = {}
    lock = threading.Lock()

    def run(name, block):
        async def work():
            block()

        async def main():
            with watch(threshold_ms=THRESHOLD_MS, engine="tracing") as watcher:
                await asyncio.create_task(work())
            names[name] = {found.name for call in watcher.calls for found in call.contributions}

        asyncio.run(main())

    def wait():
        lock.acquire(timeout=STALL_S)

    with lock:
        threads = [threading.Thread(target=run, args=each) for each in (("sleep", pause), ("lock", wait))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert "time.sleep" in names["sleep"]
    assert "time.sleep" not in names["lock"]
    assert "threading.Lock.acquire" in names["lock"]
    assert "threading.Lock.acquire" not in names["sleep"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="On 3.11 every call of a traced step is timed")
async def test_what_was_quick_is_timed_again_from_its_second_stall_on():
    def call_service(delay_s):
        time.sleep(delay_s)

    async def work(delay_s):
        call_service(delay_s)

    def sleeps():
        return [call for call in watcher.calls if call.method_name == "time.sleep"]

    with watch(threshold_ms=THRESHOLD_MS, engine="tracing") as watcher:
        await asyncio.create_task(work(0))
        while id(call_service.__code__) in monitor._monitor._tracing._tracer._timed_code.timed:
            await asyncio.create_task(work(0))
        for count in range(1, 4):
            await asyncio.create_task(work(STALL_S))
            # The first is explained by the watchdog, which then asks to look closer.
            while len(sleeps()) < count:
                await asyncio.sleep(0.001)
    counts = [contribution(call, "time.sleep").count for call in sleeps()]
    assert counts == [None, 1, 1]
