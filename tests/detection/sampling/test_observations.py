"""The watchdog reports each stall with an observation of its step."""

import asyncio

import pytest

from loopwatch.detection.machine.clock import now
from loopwatch.detection.sampling.failures import Failures
from loopwatch.detection.sampling.observations import Observations
from loopwatch.detection.sampling.watchdog import Watchdog
from loopwatch.detection.timing.loop_clock import LoopClock, Stall
from tests.detection.builders import Step, Watch


class Reports:
    """Keeps the observation of every stall that is settled."""

    failures = Failures()
    is_holding = False

    def __init__(self, settled):
        self.settled = settled

    def report(self, stall, observation, ongoing):
        self.settled.append(observation)

    def release(self, backlog=None):
        pass


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_requests_wait_for_no_step_of_a_loop_that_serves_none(loop):
    observations, watchdog = Observations(), Watchdog(Reports([]))
    for began, serves in ((3.0, False), (4.0, True), (5.0, True)):
        clock = LoopClock(loop, watchdog)
        clock.set_subscribers((Watch(counts_kept_out=serves),))
        observations.of_step(clock, began, threshold_s=0.001)
    assert observations.oldest_serving_step == 4.0


def test_the_observation_of_a_step_that_began_unobserved_is_kept_until_that_step_has_been_ended(loop):
    """The next step ends it, and the watchdog may look when that has begun, but has not ended it yet."""
    observations, clock = Observations(), LoopClock(loop, Watchdog(Reports([])))
    began = clock.history.first_reading.at
    clock.observe_running_step(None, began)
    observation = observations.of_step(clock, began, threshold_s=0.001)
    clock.started = now()  # as ``_run`` does
    observations.forget_past_steps([clock])
    assert observations == {(clock, began): observation}
    clock.handle = clock.on_step_begin(clock.handle)
    observations.forget_past_steps([clock])
    assert observations == {}


def test_a_stall_that_is_settled_when_its_watcher_has_left_is_measured_from_before_it_began(loop):
    settled = []
    watchdog = Watchdog(Reports(settled))
    clock = LoopClock(loop, watchdog)
    started, watch = clock.history.first_reading.at, Watch(threshold_s=0.001)
    while now() < started + watch.threshold_s:
        pass
    watchdog.hand_over(Stall(clock, Step(), started, now(), clock.read_cpu(), (watch,), waiting=0))
    watchdog.start()
    watchdog.stop()
    assert settled[0].before is clock.history.first_reading
