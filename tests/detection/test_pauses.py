"""A thread keeps the GIL while the loop waits in its selector: a pause between steps, with its holder."""

import asyncio
import json
import time

import pytest

from loopwatch import watch
from loopwatch.detection.calls import Cause
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
