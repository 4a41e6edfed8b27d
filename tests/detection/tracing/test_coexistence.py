"""Other tools of the interpreter: they go on working, and where there is no room the message says whose it is."""

import asyncio
import cProfile
import sys
import time

import pytest

from loopwatch import watch
from loopwatch.detection.sampling.observation import LEAST_TRACED_S
from loopwatch.detection.tracing.tracer import TracingUnavailableError
from tests.support.witness import Witness

pytestmark = pytest.mark.real_time

THRESHOLD_MS = 20.0
STALL_S = 0.05
LONGEST_S = 30.0
has_monitoring = sys.version_info >= (3, 12)


async def block():
    time.sleep(STALL_S)


async def names_of_stalls():
    with watch(threshold_ms=THRESHOLD_MS, engine="tracing") as watcher:
        await asyncio.create_task(block())
    # On a busy machine any step may take long.
    return [call.method_name for call in watcher.calls if call.function.endswith("block")]


@pytest.fixture
def no_profile_function():
    before = sys.getprofile()
    yield
    sys.setprofile(before)


async def test_a_profile_function_is_called_on_and_put_back(no_profile_function):
    seen = set()

    def profile(frame, event, argument):
        seen.add((event, getattr(argument, "__name__", frame.f_code.co_name)))

    sys.setprofile(profile)
    names = await names_of_stalls()
    assert sys.getprofile() is profile
    sys.setprofile(None)
    assert names == ["time.sleep"]
    assert {("c_call", "sleep"), ("c_return", "sleep"), ("call", "block")} <= seen


async def test_a_profile_function_set_by_the_step_itself_stays(no_profile_function):
    def profile(_frame, _event, _argument):
        pass

    async def set_it():
        sys.setprofile(profile)
        await asyncio.sleep(0)

    with watch(threshold_ms=THRESHOLD_MS, engine="tracing"):
        await asyncio.create_task(set_it())
        await asyncio.sleep(0)
    assert sys.getprofile() is profile


async def test_beside_cprofile():
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        if has_monitoring:
            assert await names_of_stalls() == ["time.sleep"]
        else:
            with pytest.raises(TracingUnavailableError, match="A profiler written in C"):
                await names_of_stalls()
    finally:
        profiler.disable()


@pytest.mark.skipif(not has_monitoring, reason="There are no tool ids before Python 3.12")
class TestToolIds:
    @pytest.fixture
    def held(self):
        taken = [tool for tool in range(6) if sys.monitoring.get_tool(tool) is None][:-1]
        for tool in taken:
            sys.monitoring.use_tool_id(tool, f"somebody's {tool}")
        yield taken
        for tool in taken:
            sys.monitoring.free_tool_id(tool)

    async def test_the_message_names_who_holds_them(self, held):
        watcher = watch(threshold_ms=THRESHOLD_MS, engine="tracing")
        with pytest.raises(TracingUnavailableError, match=f"{held[0]} by .somebody's {held[0]}") as raised, watcher:
            pass
        assert 'engine="sampling"' in str(raised.value)

    async def test_nothing_is_watched_then(self, held):
        watcher = watch(threshold_ms=THRESHOLD_MS, engine="tracing")
        with pytest.raises(TracingUnavailableError):
            watcher.__enter__()
        await asyncio.create_task(block())
        assert watcher.calls == []

    async def test_other_tools_still_get_their_events(self):
        monitoring, called = sys.monitoring, []
        tool = next(tool for tool in (3, 4, 5) if monitoring.get_tool(tool) is None)
        monitoring.use_tool_id(tool, "somebody")
        monitoring.register_callback(tool, monitoring.events.PY_START, lambda code, _: called.append(code.co_name))
        monitoring.set_events(tool, monitoring.events.PY_START)
        try:
            assert await names_of_stalls() == ["time.sleep"]
        finally:
            monitoring.set_events(tool, 0)
            monitoring.register_callback(tool, monitoring.events.PY_START, None)
            monitoring.free_tool_id(tool)
        assert "block" in called


@pytest.mark.skipif(not has_monitoring, reason="There are no tool ids before Python 3.12")
@pytest.mark.parametrize("is_taken", [pytest.param(False, id="freed"), pytest.param(True, id="freed and taken")])
async def test_no_block_fails_whose_tool_ids_other_code_has(is_taken):
    taken = []

    async def take_ids():
        for tool in range(6):
            if (sys.monitoring.get_tool(tool) or "").startswith("loopwatch"):
                sys.monitoring.free_tool_id(tool)
                taken.append(tool)
                if is_taken:
                    sys.monitoring.use_tool_id(tool, "taker")
        time.sleep(STALL_S)

    with watch(threshold_ms=THRESHOLD_MS, engine="tracing") as watcher:
        await asyncio.create_task(take_ids())
    names = [sys.monitoring.get_tool(tool) for tool in taken]
    for tool in taken if is_taken else ():
        sys.monitoring.free_tool_id(tool)
    assert names == ["taker" if is_taken else None] * len(taken) != []
    assert "time.sleep" in [call.method_name for call in watcher.calls]
    assert await names_of_stalls() == ["time.sleep"]


def work_until(condition):
    """Append to a string, in a loop that makes calls rarely, until ``condition`` holds."""
    until, text = time.monotonic() + LONGEST_S, ""
    while not condition() and time.monotonic() < until:
        text = ""
        for number in range(5000):
            text += f"{number}, "
    return condition()


@pytest.mark.skipif(has_monitoring, reason="Later versions leave the interpreter's quick instructions in use")
class TestAStepThatComputesForLong:
    async def test_goes_on_without_the_profile_function(self, real_time):
        before = []

        async def work():
            before.append(sys.getprofile())
            return work_until(lambda: sys.getprofile() is None)

        for run in real_time.runs(loop="asyncio", engine="tracing"):
            with Witness() as witness, watch(threshold_ms=THRESHOLD_MS, engine="tracing") as watcher:
                relieved = await asyncio.create_task(work())
            assert before[-1] is not None
            assert relieved
            (call,) = [call for call in watcher.calls if call.function.endswith("work_until")]
            assert call.method_name.endswith("work_until")
            if call.exact:
                run.exact()
            else:
                run.inexact(witness, f"{call} is not exact")

    async def test_a_task_whose_step_lost_the_profile_function_is_traced_again_at_its_next_step(self):
        traced = []

        async def work():
            for _ in range(2):
                await asyncio.sleep(0)
                traced.append(sys.getprofile() is not None)
                work_until(lambda: sys.getprofile() is None)

        with watch(threshold_ms=THRESHOLD_MS, engine="tracing"):
            await asyncio.create_task(work())
        assert traced == [True, True]

    async def test_keeps_a_profile_function_that_is_not_loopwatchs(self, no_profile_function):
        def profile(_frame, _event, _argument):
            pass

        async def work():
            sys.setprofile(profile)
            until = time.thread_time() + 2 * LEAST_TRACED_S
            work_until(lambda: time.thread_time() > until)
            return sys.getprofile()

        with watch(threshold_ms=THRESHOLD_MS, engine="tracing"):
            assert await asyncio.create_task(work()) is profile
