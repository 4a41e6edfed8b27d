"""What the watchdog hands on with a stall."""

import asyncio

from loopwatch.detection.clock import now
from loopwatch.detection.stopwatch import LoopClock, Stall
from loopwatch.detection.watchdog import Watchdog
from tests.detection.verdict.builders import Step, Watch


def test_a_stall_that_is_settled_when_its_watcher_has_left_is_measured_from_before_it_began():
    settled = []
    watchdog = Watchdog(lambda _stall, observation, _ongoing: settled.append(observation))
    loop = asyncio.new_event_loop()
    clock = LoopClock(loop, watchdog.hand_over, watchdog.wake, watchdog.cpu_s)
    started, watch = clock.first_reading.at, Watch(threshold_s=0.001)
    while now() < started + watch.threshold_s:
        pass
    watchdog.hand_over(Stall(clock, Step(), started, now(), clock.read_cpu(), (watch,), waiting=0))
    watchdog.start()
    watchdog.stop()
    loop.close()
    assert settled[0].before is clock.first_reading
