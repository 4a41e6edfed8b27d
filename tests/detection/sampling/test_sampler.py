"""When the watchdog's sampler asks for a look, and when a glance is enough."""

import asyncio
from collections import deque

import pytest

from loopwatch.detection.lookout.lookout import Lookout
from loopwatch.detection.machine.clock import now
from loopwatch.detection.machine.cpu_clocks import process_s
from loopwatch.detection.machine.suspensions import Suspensions
from loopwatch.detection.machine.throttling import Throttling
from loopwatch.detection.sampling.cpu_budget import CpuBudget
from loopwatch.detection.sampling.observations import Observations
from loopwatch.detection.sampling.sampler import Sampler
from loopwatch.detection.sampling.settling import Settler
from loopwatch.detection.timing.backlog import Backlog
from loopwatch.detection.timing.loop_clock import LoopClock
from tests.detection.builders import Step, Watch

AN_HOUR_S = 3600.0


class Unwoken:
    """A watchdog that no step wakes."""

    def cpu_s(self):
        return 0.0


@pytest.fixture
def inbox():
    return deque()


@pytest.fixture
def sampler(inbox):
    """A sampler of one loop, which runs a step that has just begun and has an hour's time."""
    observations, suspensions = Observations(), Suspensions(now(), process_s())
    throttling = Throttling()
    settler = Settler(None, inbox, observations, CpuBudget(), suspensions, throttling, Lookout())
    sampler = Sampler(observations, settler, suspensions, throttling)
    loop = asyncio.new_event_loop()
    clock = LoopClock(loop, Unwoken())
    clock.set_subscribers((Watch(threshold_s=AN_HOUR_S),))
    clock.handle, clock.started = Step(), now()
    sampler.watch([clock])
    yield sampler
    loop.close()


def test_a_glance_is_enough_for_a_step_that_is_quick_so_far(sampler):
    assert sampler.glance() is not None


def test_a_stall_that_waits_to_be_settled_needs_a_look_before_the_clocks_are_read_again(sampler, inbox):
    inbox.append(Backlog(0.0, 0.0))
    assert sampler.glance() is None
