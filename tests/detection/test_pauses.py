"""Pauses between steps: another thread keeps the GIL while the loop is in its selector, or the loop's own computes."""

import asyncio
import json
import selectors
import time

import pytest

from loopwatch import watch
from loopwatch.detection.calls import Cause
from loopwatch.detection.verdict.pauses import BETWEEN_STEPS
from tests.detection.catalogue.sizes import size_that_takes_long

pytestmark = pytest.mark.real_time
THRESHOLD_MS = 50


def orders(count):
    return [{"id": number} for number in range(count)]


def export(rows):
    """Keep the GIL three times, with pauses in which the watchdog examines what it saw."""
    for _ in range(3):
        time.sleep(0.15)
        json.dumps(rows)
    time.sleep(0.05)


async def beats(until):
    """How late the loop came to a timer, each time."""
    late_ms = []
    while not until.done():
        due = time.perf_counter() + 0.01
        await asyncio.sleep(0.01)
        late_ms.append((time.perf_counter() - due) * 1000)
    return late_ms


async def served(rows):
    return await beats(asyncio.ensure_future(asyncio.to_thread(export, rows)))


def test_the_pauses_that_a_thread_causes_are_accounted_for_with_the_thread():
    rows = orders(size_that_takes_long(json.dumps, orders, 100_000))
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        late_ms = asyncio.run(served(rows))
    assert watcher.calls == []
    seen_ms = sum(pause.step_ms for pause in watcher.disturbances)
    assert seen_ms >= 0.8 * sum(late for late in late_ms if late >= 1.2 * THRESHOLD_MS)
    held = [pause.held_by for pause in watcher.disturbances if pause.cause is Cause.STARVED and pause.held_by]
    assert {holder.function for holder in held} == {f"{__name__}.export"}


class SlowSelector(selectors.DefaultSelector):
    """Computes before it looks at the sockets, once."""

    computes_s = 0.0

    def select(self, timeout=None):
        until, self.computes_s = time.thread_time() + self.computes_s, 0.0
        while time.thread_time() < until:
            timeout = 0
        return super().select(timeout)


def test_what_the_loops_own_thread_computes_between_steps_is_not_blamed_on_the_machine():
    selector = SlowSelector()

    async def main():
        selector.computes_s = 0.3
        await asyncio.sleep(0.05)

    with (
        watch(threshold_ms=THRESHOLD_MS) as watcher,
        asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner,
    ):
        runner.run(main())
    assert [(call.function, call.cause) for call in watcher.calls] == [(BETWEEN_STEPS, Cause.COMPUTING)]
    assert watcher.disturbances == []
