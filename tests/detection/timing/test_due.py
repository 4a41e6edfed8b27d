"""When a step was due, and what the watchdog gets if the loop came late to it."""

import asyncio
from contextlib import contextmanager

import pytest

from loopwatch.detection.machine.clock import NEVER
from loopwatch.detection.timing import due, loop_clock
from loopwatch.detection.timing.due import LoopCalls, due_at
from loopwatch.detection.timing.loop_clock import LoopClock, PauseBetweenSteps
from loopwatch.detection.timing.steps import EVERY_STEP
from tests.detection.builders import Step, Watch

AT = 1e9
"""The moment at which each step begins, later than any real one."""


class Inbox(list):
    """A watchdog that keeps what it is given."""

    hand_over = list.append

    def wake(self):
        pass

    def cpu_s(self):
        return 0.0


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    loop.time = lambda: 100.0  # its own clock, which stands still
    yield loop
    loop.close()


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def clock(loop, inbox):
    """The clock of a loop that has rested for an hour, watched with a threshold of 50 ms."""
    clock = LoopClock(loop, inbox)
    clock.owner = loop
    clock.set_subscribers((Watch(threshold_s=0.05),))
    clock.ended = AT - 3600
    clock.wants_step_begin = True
    return clock


@contextmanager
def handled(clock, handle):
    clock.handle, clock.started = handle, AT
    clock.on_step_begin(None)
    yield
    clock.handle = None


def timer(loop, late_s):
    return asyncio.TimerHandle(loop.time() - late_s, int, (), loop)


def pauses(inbox):
    return [round(item.until - item.since, 2) for item in inbox if isinstance(item, PauseBetweenSteps)]


def test_a_timer_was_due_when_it_says(loop):
    assert due_at(timer(loop, 0.5), loop, AT, AT - 3600) == AT - 0.5


def test_a_step_whose_handle_says_nothing_was_never_due(loop):
    assert due_at(Step(), loop, AT, AT - 3600) == NEVER


class OddTimer(asyncio.TimerHandle):
    def when(self):
        raise RuntimeError


class OddHandle(asyncio.Handle):
    @property
    def due_at(self):
        raise RuntimeError


def test_the_code_of_an_odd_timer_is_not_asked_when_it_was_due(loop):
    assert due_at(OddTimer(loop.time() - 0.5, int, (), loop), loop, AT, AT - 3600) == AT - 0.5


def test_an_odd_handle_that_raises_was_never_due(loop):
    assert due_at(OddHandle(int, (), loop), loop, AT, AT - 3600) == NEVER


def test_a_loop_that_comes_late_to_a_timer_has_paused(clock, inbox, loop):
    with handled(clock, timer(loop, 0.2)):
        assert pauses(inbox) == [0.2]


def test_a_turn_that_begins_with_a_timer_is_not_looked_at(clock, inbox, loop, monkeypatch):
    monkeypatch.setattr(loop_clock, "due_in_turn", lambda _loop, _ended: AT - 0.3)
    with handled(clock, timer(loop, 0.2)):
        pass
    clock.ended, clock.late_until = AT - 3600, 0.0
    with handled(clock, Step()):
        pass
    assert pauses(inbox) == [0.2, 0.3]


def test_no_turn_is_looked_for_on_a_loop_that_is_not_asyncios_own(monkeypatch):
    class Loop(asyncio.AbstractEventLoop):
        pass

    monkeypatch.setattr(due, "_variables_of_turn", lambda: {"timeout": 0})
    assert due.due_in_turn(Loop(), AT) == NEVER


def test_a_loop_that_comes_to_a_timer_in_time_has_not_paused(clock, inbox, loop):
    with handled(clock, timer(loop, 0.02)):
        assert pauses(inbox) == []


def test_a_pause_below_ten_milliseconds_is_ordinary_scheduling(clock, inbox, loop):
    clock.set_subscribers((Watch(threshold_s=0.001),))
    with handled(clock, timer(loop, 0.005)):
        assert pauses(inbox) == []


def test_a_loop_that_comes_late_to_what_a_thread_has_scheduled_has_paused(clock, inbox):
    clock.woken_at = AT - 0.3
    with handled(clock, Step()):
        assert pauses(inbox) == [0.3]


def test_the_moment_at_which_a_thread_woke_the_loop_counts_once(clock, inbox):
    clock.woken_at = AT - 0.3
    with handled(clock, Step()):
        clock.wants_step_begin, clock.ended = True, AT - 3600
    with handled(clock, Step()):
        assert pauses(inbox) == [0.3]


def test_a_thread_that_notes_too_late_that_it_woke_the_loop_does_not_count(clock, inbox):
    clock.woken_at = clock.ended - 0.1  # it had to wait for the GIL in between
    with handled(clock, Step()):
        assert pauses(inbox) == []


def test_a_pause_does_not_begin_before_the_latest_step_has_ended(clock, inbox, loop):
    clock.ended = AT - 0.1
    with handled(clock, timer(loop, 0.5)):
        assert pauses(inbox) == [0.1]


def test_a_step_that_follows_others_at_once_is_late_because_of_them(clock, inbox, loop):
    clock.ended = AT - 0.001
    with handled(clock, timer(loop, 0.5)):
        assert pauses(inbox) == []


def test_a_timer_that_follows_another_step_was_not_due_before_because_that_may_have_set_it(clock, inbox, loop):
    with handled(clock, Step()):
        clock.ended, clock.wants_step_begin = AT, True
    with handled(clock, timer(loop, 0.2)):
        assert pauses(inbox) == []


def test_a_pause_to_which_two_timers_were_late_is_noted_once(clock, inbox, loop):
    with handled(clock, timer(loop, 0.3)):
        clock.ended = AT
    with handled(clock, timer(loop, 0.2)):
        assert pauses(inbox) == [0.3]


def test_a_loop_that_traces_its_steps_notes_its_pauses_too(clock, inbox, loop):
    clock.wants_step_begin = EVERY_STEP
    with handled(clock, timer(loop, 0.2)):
        assert pauses(inbox) == [0.2]


def test_a_timer_that_came_due_during_an_unobserved_step_was_late_because_of_it(clock, inbox, loop):
    clock.observe_running_step(None, AT - 0.04)
    clock.handle, clock.started = timer(loop, 0.06), AT
    clock.on_step_begin(clock.in_flight.unobserved)
    assert pauses(inbox) == []


def test_no_pause_precedes_a_step_inside_a_step(clock, inbox, loop):
    clock.handle, clock.started = timer(loop, 0.2), AT
    clock.on_step_begin(Step())
    assert pauses(inbox) == []


def test_what_came_due_during_a_stall_was_late_because_of_the_stall(clock, inbox, loop):
    clock.hand_over(Step(), AT - 0.6, AT - 0.001, clock.subscribers)
    with handled(clock, timer(loop, 0.5)):
        assert pauses(inbox) == []


def test_a_pause_that_is_noted_already_is_not_noted_again(clock, inbox, loop):
    clock.history.paused_until = AT
    with handled(clock, timer(loop, 0.5)):
        assert pauses(inbox) == []


@pytest.fixture
def loop_calls(clock, loop):
    calls = LoopCalls({loop: clock}.get)
    calls.install()
    yield calls
    calls.uninstall()


@pytest.mark.usefixtures("loop_calls")
def test_a_call_from_a_thread_is_noted_while_the_loop_rests(clock, loop):
    loop.call_soon_threadsafe(int)
    first = clock.woken_at
    loop.call_soon_threadsafe(int)
    assert clock.woken_at == first < NEVER


@pytest.mark.usefixtures("loop_calls")
def test_a_call_from_a_thread_that_the_loop_refuses_does_not_wake_it(clock, loop):
    with pytest.raises(TypeError):
        loop.call_soon_threadsafe()
    assert clock.woken_at == NEVER


@pytest.mark.usefixtures("loop_calls")
def test_a_call_from_a_thread_is_not_noted_while_the_loop_is_busy(clock, loop):
    clock.wants_step_begin = False
    loop.call_soon_threadsafe(int)
    assert clock.woken_at == NEVER


@pytest.mark.parametrize("name", ["call_soon_threadsafe", "run_forever"])
def test_the_method_that_notes_calls_is_removed_again(name, loop_calls):
    noting = getattr(asyncio.BaseEventLoop, name)
    loop_calls.uninstall()
    assert getattr(asyncio.BaseEventLoop, name) is noting.__wrapped__
