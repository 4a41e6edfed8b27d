"""Which steps only pass on a report: those of loops that a callback or a sink runs."""

import asyncio
from contextvars import copy_context

import pytest

from loopwatch.detection.machine.clock import now
from loopwatch.detection.timing.own_work import is_own_work, is_step_of_own_work, own_work
from loopwatch.recorder.delivery import Delivery
from loopwatch.recorder.health import Errors
from tests.detection.builders import Step
from tests.recorder.calls import blocking_call


def test_own_work_lasts_until_the_block_ends():
    with own_work():
        assert is_own_work()
    assert not is_own_work()


def test_a_loop_that_own_work_runs_is_its_own():
    async def main():
        return is_own_work()

    with own_work():
        assert asyncio.run(main())
    assert not asyncio.run(main())


@pytest.mark.parametrize(
    ("is_in_work", "is_loop_older", "is_own"),
    [
        pytest.param(True, False, True, id="a loop that the work runs"),
        pytest.param(True, True, False, id="a loop of the program that the work has given something to do"),
        pytest.param(False, False, False, id="a step of the program"),
    ],
)
def test_a_step_is_own_work_by_its_context(is_in_work, is_loop_older, is_own):
    before, outside = now(), copy_context()
    with own_work():
        handle = Step(_context=copy_context() if is_in_work else outside)
    assert is_step_of_own_work(handle, before if is_loop_older else now()) is is_own


def test_a_step_without_a_context_is_not_own_work():
    assert not is_step_of_own_work(Step(_context=None), now())


def test_whatever_a_sink_does_is_own_work():
    seen = []
    note = [lambda *_, name=name: seen.append((name, is_own_work())) for name in ("deliver", "settle", "close")]
    delivery = Delivery("sink", note[0], Errors(), *note[1:])
    delivery.start()
    delivery.put(blocking_call())
    assert delivery.flush(60)
    assert delivery.stop(60)
    assert seen == [("deliver", True), ("settle", True), ("close", True)]
