"""Whether the loops serve is read from what they are doing at the moment."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

import loopwatch
from loopwatch import site_monitor
from loopwatch.detection.machine.clock import now
from loopwatch.detection.timing.recent_pauses import RecentPauses
from loopwatch.sign_of_life.liveness import Liveness, confirmed, liveness_of

BLOCKED_AFTER_S = 10.0
STEP = object()


@dataclass
class Loop:
    """A loop as its clock shows it, and whether it is closed."""

    handle: object = None
    started: float = 0.0
    threshold_s: float = 0.0625
    is_gone: bool = False
    closed: bool = False
    serves: bool = False
    recent_pauses: RecentPauses = field(default_factory=RecentPauses)

    def loop(self):
        return None if self.is_gone else self

    def is_closed(self):
        return self.closed


def read(*loops, at):
    return liveness_of(loops, BLOCKED_AFTER_S, at)


def test_a_process_without_loops_is_not_said_to_be_blocked():
    assert read(at=100.0) == Liveness(serving=True, blocked_since=None, worst_pause_ms=0.0, loops=0)


def test_a_loop_that_rests_serves():
    assert read(Loop(started=1.0), at=100.0) == Liveness(loops=1)


def test_a_step_below_the_threshold_is_no_pause():
    assert read(Loop(STEP, started=99.96875), at=100.0) == Liveness(loops=1)


def test_a_loop_in_a_stall_serves_for_a_while():
    at = now()
    found = read(Loop(STEP, started=at - 0.25), at=at)
    assert (found.serving, found.worst_pause_ms, found.loops) == (True, pytest.approx(250.0), 1)
    assert abs(found.blocked_since - (datetime.now(UTC) - timedelta(seconds=0.25))) < timedelta(minutes=1)


@pytest.mark.parametrize(("lasted_s", "serving"), [(9.75, True), (10.0, False), (1000.0, False)])
def test_a_loop_serves_until_a_step_has_lasted_too_long(lasted_s, serving):
    assert read(Loop(STEP, started=2000.0 - lasted_s), at=2000.0).serving is serving


def test_one_blocked_loop_is_enough():
    loops = Loop(started=99.0), Loop(STEP, started=80.0), Loop(STEP, started=99.5)
    found = read(*loops, at=100.0)
    assert (found.serving, found.worst_pause_ms, found.loops) == (False, 20_000.0, 3)


def test_the_loop_of_a_program_does_not_count_beside_loops_that_serve():
    """A job in a thread may block its own loop, while every request is answered."""
    job = Loop(STEP, started=80.0)
    job.recent_pauses.note(90.0, 0.75)
    assert read(job, Loop(serves=True), at=100.0) == Liveness(loops=1)
    assert read(job, at=100.0).serving is False


@pytest.mark.parametrize("state", [{"is_gone": True}, {"closed": True}])
def test_a_loop_that_is_over_does_not_count(state):
    assert read(Loop(STEP, started=0.0, **state), at=100.0) == Liveness(loops=0)


def test_a_pause_that_is_over_counts_as_the_worst():
    loop = Loop(started=99.0)
    loop.recent_pauses.note(90.0, 0.75)
    found = read(loop, Loop(STEP, started=99.75), at=100.0)
    assert found.worst_pause_ms == 750.0
    assert read(replace(loop, handle=STEP, started=99.0), at=100.0).worst_pause_ms == 1000.0


def test_a_loop_is_said_to_be_blocked_only_if_a_second_look_agrees():
    blocked, serving = Liveness(serving=False), Liveness()
    for looks, found in (([blocked, blocked], blocked), ([blocked, serving], serving), ([serving], serving)):
        remaining = list(looks)
        assert confirmed(lambda remaining=remaining: remaining.pop(0)) is found
        assert remaining == []


def test_a_process_in_which_nothing_is_watched_has_no_blocked_loop():
    assert loopwatch.liveness() == Liveness()


async def test_the_loops_of_the_site_are_those_that_count(settings):
    settings.LOOPWATCH = {"SINKS": []}
    assert site_monitor.watch_running_loop() is not None
    try:
        assert loopwatch.liveness().loops == 1
        assert (await asyncio.to_thread(loopwatch.liveness)).loops == 1
    finally:
        assert site_monitor.stop(60)
    assert loopwatch.liveness().loops == 0
