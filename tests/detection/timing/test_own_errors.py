"""What goes wrong in loopwatch's own code at the end of a step spoils neither the loop nor what is reported later."""

import asyncio
import time
from asyncio.events import Handle

import pytest

from loopwatch import watch
from loopwatch.detection import monitor
from loopwatch.detection.timing import steps as observers
from loopwatch.detection.timing.loop_clock import LoopClock


async def steps():
    await asyncio.sleep(0)
    time.sleep(0.05)
    await asyncio.sleep(0)
    return "done"


@pytest.fixture(params=["asyncio", "around", "uvloop"])
def loop(request, monkeypatch):
    if request.param == "around":  # of what other code has put in place of ``Handle._run``
        run = Handle._run
        monkeypatch.setattr(Handle, "_run", lambda handle, *_: run(handle))
    uvloop = pytest.importorskip("uvloop") if request.param == "uvloop" else None
    made = uvloop.new_event_loop() if uvloop else asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def fail_with(monkeypatch):
    """Return a function that has the end of the next stall raise an error."""
    errors, hand_over = [], LoopClock.hand_over

    def fail(self, *args, **named):
        if errors:
            raise errors.pop()
        hand_over(self, *args, **named)

    monkeypatch.setattr(LoopClock, "hand_over", fail)
    monkeypatch.setattr(observers, "_failed", set())
    return errors.append


@pytest.mark.real_stall
def test_an_error_does_not_end_the_loop(loop, fail_with, caplog):
    with watch(threshold_ms=20, every_thread=True) as watcher:
        fail_with(MemoryError("no memory"))
        for _ in range(2):
            assert loop.run_until_complete(steps()) == "done"
    assert "time.sleep" in [call.method_name for call in watcher.calls]
    assert "a bug in loopwatch" in caplog.text


@pytest.mark.real_stall
def test_after_what_a_signal_handler_raises_there_no_step_is_said_to_run(loop, fail_with):
    with watch(threshold_ms=20, every_thread=True):
        fail_with(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(steps())
        clock = monitor._monitor._hooks.watched[loop]
        assert clock.handle is None
        assert clock.ended > clock.started
