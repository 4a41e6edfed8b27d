"""The watchdog reports each stall with an observation of its step."""

import asyncio

from loopwatch.detection.machine.clock import now
from loopwatch.detection.sampling.watchdog import Watchdog
from loopwatch.detection.timing.loop_clock import LoopClock, Stall
from tests.detection.builders import Step, Watch


class Reports:
    """Keeps the observation of every stall that is settled."""

    is_holding = False

    def __init__(self, settled):
        self.settled = settled

    def report(self, stall, observation, ongoing):
        self.settled.append(observation)

    def release(self, backlog=None):
        pass


def test_a_stall_that_is_settled_when_its_watcher_has_left_is_measured_from_before_it_began():
    settled = []
    watchdog = Watchdog(Reports(settled))
    loop = asyncio.new_event_loop()
    clock = LoopClock(loop, watchdog)
    started, watch = clock.history.first_reading.at, Watch(threshold_s=0.001)
    while now() < started + watch.threshold_s:
        pass
    watchdog.hand_over(Stall(clock, Step(), started, now(), clock.read_cpu(), (watch,), waiting=0))
    watchdog.start()
    watchdog.stop()
    loop.close()
    assert settled[0].before is clock.history.first_reading
