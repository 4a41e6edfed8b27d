"""When the watchdog's sampler asks for a look, and when a glance is enough."""

import asyncio
from collections import deque

import pytest

from loopwatch.detection.lookout.lookout import Lookout
from loopwatch.detection.machine.cpu_clocks import Turns, process_s
from loopwatch.detection.machine.suspensions import Suspensions
from loopwatch.detection.machine.thread_cpu import ThreadCpu
from loopwatch.detection.machine.throttling import Throttling
from loopwatch.detection.sampling import gil_holds
from loopwatch.detection.sampling import sampler as sampler_module
from loopwatch.detection.sampling.cpu_budget import CpuBudget
from loopwatch.detection.sampling.gc_pauses import GcPauses
from loopwatch.detection.sampling.gil_holds import GilHolds
from loopwatch.detection.sampling.observations import Observations
from loopwatch.detection.sampling.sampler import Sampler
from loopwatch.detection.sampling.settling import Settler
from loopwatch.detection.timing.backlog import Backlog
from loopwatch.detection.timing.loop_clock import LoopClock, PauseBetweenSteps
from loopwatch.detection.verdict.stall_reporter import StallReporter
from tests.detection.builders import Delayed, Step, Watch, stop_clock

AN_HOUR_S = 3600.0


class Unwoken:
    """A watchdog that no step wakes."""

    def cpu_s(self):
        return 0.0


@pytest.fixture(autouse=True)
def at(monkeypatch):
    """The present moment: the clock stands still."""
    return stop_clock(monkeypatch, sampler_module, gil_holds)


@pytest.fixture
def inbox():
    return deque()


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def clock(loop, at):
    """The clock of a loop that runs a step, which has just begun and has an hour's time."""
    clock = LoopClock(loop, Unwoken())
    clock.set_subscribers((Watch(threshold_s=AN_HOUR_S),))
    clock.handle, clock.started = Step(), at
    return clock


@pytest.fixture
def sampler(inbox, clock, at):
    """A sampler of that one loop."""
    observations, suspensions, holds = Observations(), Suspensions(at, process_s()), GilHolds(ThreadCpu(), Lookout())
    throttling = Throttling()
    reports = StallReporter(GcPauses(), list)
    settler = Settler(reports, inbox, observations, CpuBudget(), suspensions, throttling, Lookout(), holds)
    sampler = Sampler(observations, settler, suspensions, throttling, holds)
    sampler.watch([clock])
    return sampler


def test_a_glance_is_enough_for_a_step_that_is_quick_so_far(sampler):
    assert sampler.glance() is not None


def test_a_stall_that_waits_to_be_settled_needs_a_look_before_the_clocks_are_read_again(sampler, inbox):
    inbox.append(Backlog(0.0, 0.0))
    assert sampler.glance() is None


def test_a_loop_that_has_just_been_found_at_rest_is_not_read_again(sampler, clock, monkeypatch):
    clock.handle, readings, read_cpu = None, [], LoopClock.read_cpu
    assert sampler.next_look() is not None  # it has run a step since the look before
    monkeypatch.setattr(LoopClock, "read_cpu", lambda clock: readings.append(read_cpu(clock)) or readings[-1])
    assert sampler.next_look() is None
    sampler.read_clocks()
    assert readings == [clock.history.before_rest]
    sampler.read_clocks()
    assert readings[1:] == [clock.history.before_rest]


def test_the_clocks_are_read_after_a_look_if_the_next_one_is_due_already(sampler, clock):
    sampler.next_look()
    assert len(clock.history.late_looks) == 0
    clock.started -= AN_HOUR_S
    sampler.next_look()
    assert len(clock.history.late_looks) == 1


# Pauses between steps of a loop that does not rest.

WAITED_S = 0.1


@pytest.fixture
def busy(clock, at):
    """The clock of a loop that has run a step, and has asked for the GIL in vain ever since."""
    clock.set_subscribers((Watch(threshold_s=0.05),))
    clock.handle, clock.started = None, at - 2 * WAITED_S
    clock.history.step, clock.history.delays = clock.started, Asking(turns=20)
    return clock


class Asking(Delayed):
    """What the clocks say of a thread that woke up so often to ask for the GIL."""

    def __init__(self, turns):
        super().__init__()
        self.turns = turns

    def loop_turns(self):
        return Turns(0.0, self.turns)


@pytest.fixture
def pauses(sampler, inbox, at):
    """Return the durations of the pauses that are noted after the watchdog has waited for the GIL."""

    def noted():
        sampler.note_wait(at - WAITED_S)
        return [round(item.until - item.since, 3) for item in inbox if isinstance(item, PauseBetweenSteps)]

    return noted


def test_a_loop_that_ran_no_step_while_the_gil_was_kept_has_paused(pauses, busy):
    assert pauses() == [WAITED_S]


def test_a_loop_that_slept_in_its_selector_has_not_paused(pauses, busy):
    busy.history.delays = Asking(turns=1)
    assert pauses() == []


def test_a_loop_that_rests_reports_its_pause_itself(pauses, busy):
    busy.wants_step_begin = True
    assert pauses() == []


def test_a_step_that_lasts_as_long_is_a_stall_and_no_pause(pauses, busy):
    busy.handle = Step()
    assert pauses() == []


def test_a_pause_that_the_loop_has_noted_itself_is_not_noted_again(pauses, busy, at):
    busy.late_until = at
    assert pauses() == []


def test_a_pause_that_a_stall_explains_is_none(pauses, busy, at):
    busy.stalled_until = at
    assert pauses() == []


def test_a_pause_ends_when_a_step_begins(pauses, busy, at):
    busy.started = at - 0.09
    assert pauses() == []
