"""Users of asyncio-event-loop-monitor change the import; the keywords keep their names and their meaning.

What its context manager takes and what its reports say is written down here as its documentation gives it (0.1.0).
"""

import asyncio
import inspect
import re
import time

import pytest

from loopwatch import watch

pytestmark = pytest.mark.real_time

KEYWORDS = {"enabled", "threshold_ms", "include_paths", "exclude_paths", "on_blocking_call"}
STALL_S = 0.06


async def block():
    time.sleep(STALL_S)


@pytest.mark.parametrize("engine", ["sampling", "tracing"])
class TestSwitching:
    async def test_the_keywords_are_the_same(self, engine):
        parameters = inspect.signature(watch).parameters
        assert parameters.keys() >= KEYWORDS
        assert parameters["threshold_ms"].default == 50.0
        assert parameters["enabled"].default is True
        with watch(
            enabled=True,
            threshold_ms=10.0,
            include_paths=None,
            exclude_paths=None,
            on_blocking_call=None,
            engine=engine,
        ):
            pass

    async def test_the_callback_gets_name_duration_and_kind(self, engine):
        told = []
        with watch(threshold_ms=20.0, on_blocking_call=told.append, engine=engine):
            await block()
        info = next(info for info in told if info.function.endswith("block"))
        assert info.method_name == "time.sleep"
        assert info.duration_ms >= STALL_S * 1000 * 0.9
        assert info.is_c_call is True

    async def test_the_example_of_its_readme_runs_with_another_import(self, engine, capsys):
        from loopwatch import BlockingCall as BlockingCallInfo
        from loopwatch import watch as event_loop_monitor_ctx

        def my_callback(info: BlockingCallInfo) -> None:
            print(f"BLOCKING: {info.method_name} took {info.duration_ms:.2f}ms")

        async def process_requests():
            await block()
            await asyncio.sleep(STALL_S)  # that tool reports the wait too, under the selector's name

        with event_loop_monitor_ctx(threshold_ms=20.0, on_blocking_call=my_callback):
            await process_requests()
        printed = capsys.readouterr().out
        assert re.search(r"^BLOCKING: time\.sleep took \d+\.\d\dms$", printed, re.MULTILINE)
        assert "poll" not in printed
        assert "select" not in printed

    async def test_paths_are_filtered_by_substring(self, engine):
        async def told_of(**filters):
            with watch(threshold_ms=20.0, engine=engine, **filters) as watcher:
                await block()
            return len([call for call in watcher.calls if call.function.endswith("block")])

        assert await told_of(include_paths=["test_swit"]) == 1
        assert await told_of(include_paths=["no such path", "detection"]) == 1
        assert await told_of(include_paths=["no such path"]) == 0
        assert await told_of(exclude_paths=["test_swit"]) == 0
        assert await told_of(exclude_paths=["no such path"]) == 1
        assert await told_of(include_paths=["detection"], exclude_paths=["test_swit"]) == 0
