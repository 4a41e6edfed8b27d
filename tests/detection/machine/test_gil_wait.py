"""What the watchdog's wait for the GIL says. Python code hands the GIL over 5 ms after it is asked, by default."""

import sys
from dataclasses import dataclass

import pytest

from loopwatch.detection.machine.cpu_clocks import Turns
from loopwatch.detection.machine.gil_wait import GilWait, OtherThreads
from tests.detection.builders import Delayed, reading, wanted

ASKED_AT = 8.0


@dataclass(frozen=True, kw_only=True)
class Wait:
    """A wait for the GIL that was asked for as a step began. The CPU clocks were read ``before_ms`` later.

    Until the sample the watchdog used ``own_ms``, the loop's thread ``thread_ms`` and all others ``others_ms``;
    ``delays_ms`` are those of the loop's thread and the watchdog's.
    """

    until_ms: float = 20
    own_ms: float = 0
    thread_ms: float = 0
    others_ms: float = 0
    before_ms: float = 0
    threshold_ms: float = 50
    delays_ms: tuple[float, float] | None = None
    others_load: float = 0.0

    @property
    def says(self):
        delays = None if self.delays_ms is None else Delayed(*(each / 1000 for each in self.delays_ms))
        before = reading(ASKED_AT + self.before_ms / 1000, thread=1.0, others=2.0, watchdog=3.0)
        used = 1.0 + self.thread_ms / 1000, 2.0 + self.others_ms / 1000, 3.0 + self.own_ms / 1000
        taken_at = ASKED_AT + self.until_ms / 1000
        asked = wanted(
            ASKED_AT, before=before, others_load=self.others_load, threshold_s=self.threshold_ms / 1000, delays=delays
        )
        return asked.gil_wait(taken_at, reading(taken_at, *used), ASKED_AT)


SHORT = [
    pytest.param(Wait(until_ms=0), GilWait.NONE, id="at once: the GIL was free"),
    pytest.param(Wait(until_ms=2.75), GilWait.NONE, id="well before the interval: the GIL was free"),
    pytest.param(Wait(until_ms=3.25), GilWait.INTERVAL, id="about the interval: it was handed over when asked"),
    pytest.param(Wait(until_ms=5), GilWait.INTERVAL, id="the interval: it was handed over when asked"),
    pytest.param(Wait(until_ms=14.5), GilWait.INTERVAL, id="longer than the interval, but too short to matter"),
    pytest.param(Wait(until_ms=3, own_ms=0.75), GilWait.NONE, id="at once, after a little work of the watchdog's own"),
    pytest.param(
        Wait(until_ms=3.5, own_ms=1.25),
        GilWait.CONTESTED,
        id="at once, after work for which it had kept the GIL itself",
    ),
    pytest.param(Wait(until_ms=6, own_ms=3.5), GilWait.CONTESTED, id="at once, but for its own work"),
    pytest.param(
        Wait(until_ms=8, delays_ms=(0, 1)), GilWait.CONTESTED, id="longer than the interval, and it had no CPU either"
    ),
    pytest.param(
        Wait(until_ms=4, delays_ms=(0, 1)), GilWait.CONTESTED, id="shorter than the interval, and it had no CPU either"
    ),
    pytest.param(
        Wait(until_ms=5.25, delays_ms=(0, 1)),
        GilWait.INTERVAL,
        id="just the interval, even if it had no CPU for a while",
    ),
    pytest.param(Wait(until_ms=4.75, delays_ms=(0, 1)), GilWait.INTERVAL, id="as good as the interval"),
    pytest.param(Wait(until_ms=5.625, delays_ms=(0, 1)), GilWait.CONTESTED, id="just off the interval, without a CPU"),
    pytest.param(Wait(until_ms=8, delays_ms=(0, 0.25)), GilWait.INTERVAL, id="longer, and it hardly wanted for a CPU"),
    pytest.param(Wait(until_ms=8, delays_ms=(9, 0)), GilWait.INTERVAL, id="longer, and the loop's thread had no CPU"),
    pytest.param(Wait(until_ms=5, others_ms=1.75), GilWait.INTERVAL, id="the interval, while others hardly ran"),
    pytest.param(Wait(until_ms=5, others_ms=2.25), GilWait.PASSED_ON, id="the interval, perhaps of another thread"),
]


@pytest.mark.parametrize(("wait", "says"), SHORT)
def test_a_short_wait(wait, says):
    assert wait.says is says


LONG = [
    pytest.param(Wait(until_ms=15.5), GilWait.LONG, id="a fifth of the threshold more than the interval"),
    pytest.param(Wait(until_ms=17.5, own_ms=2), GilWait.LONG, id="that, without its own work"),
    pytest.param(Wait(until_ms=16.5, own_ms=2), GilWait.INTERVAL, id="not that, without its own work"),
    pytest.param(Wait(until_ms=8.25, threshold_ms=10), GilWait.LONG, id="3 ms more, where the threshold is low"),
    pytest.param(Wait(until_ms=7.75, threshold_ms=10), GilWait.INTERVAL, id="less, where the threshold is low"),
    pytest.param(Wait(until_ms=20, delays_ms=(2, 2)), GilWait.LONG, id="long, even without the wait for a CPU"),
    pytest.param(
        Wait(until_ms=20, delays_ms=(6, 0)), GilWait.CONTESTED, id="long because the loop's thread had no CPU"
    ),
    pytest.param(Wait(until_ms=20, delays_ms=(0, 6)), GilWait.CONTESTED, id="long because the watchdog had no CPU"),
    pytest.param(Wait(until_ms=20, delays_ms=(3, 3)), GilWait.CONTESTED, id="long because neither had one"),
    pytest.param(Wait(until_ms=20, others_ms=0.125), GilWait.LONG, id="others used less than it takes to wake up"),
    pytest.param(Wait(until_ms=20, others_ms=0.25), GilWait.CONTESTED, id="others may have come first"),
]


@pytest.mark.parametrize(("wait", "says"), LONG)
def test_a_long_wait(wait, says):
    assert wait.says is says


SHARED = [
    pytest.param(Wait(others_ms=5, thread_ms=10), GilWait.SHARED, id="others ran while the loop's thread did not"),
    pytest.param(Wait(others_ms=2.5, thread_ms=10), GilWait.SHARED, id="others ran for about a hand-over"),
    pytest.param(Wait(others_ms=1.5, thread_ms=10), GilWait.CONTESTED, id="not if they ran for less than a hand-over"),
    pytest.param(Wait(others_ms=5, thread_ms=18.5), GilWait.CONTESTED, id="not if it ran almost all the time"),
    pytest.param(Wait(others_ms=5, thread_ms=17.5), GilWait.SHARED, id="even if it ran most of the time"),
    pytest.param(Wait(others_ms=5, thread_ms=16, own_ms=3), GilWait.CONTESTED, id="not if the watchdog ran meanwhile"),
    pytest.param(
        Wait(others_ms=5, thread_ms=10, delays_ms=(9, 0)), GilWait.CONTESTED, id="not if it had no CPU meanwhile"
    ),
    pytest.param(
        Wait(others_ms=5, thread_ms=10, delays_ms=(7, 9)), GilWait.SHARED, id="even if it had none for a while"
    ),
    pytest.param(
        Wait(others_ms=5, thread_ms=19, before_ms=-10),
        GilWait.CONTESTED,
        id="not if that may have been before the step",
    ),
    pytest.param(
        Wait(others_ms=5, thread_ms=19, before_ms=-10, others_load=0.25),
        GilWait.SHARED,
        id="before the step, by those who always run",
    ),
    pytest.param(
        Wait(others_ms=5, thread_ms=19, before_ms=-10, others_load=0.125),
        GilWait.CONTESTED,
        id="not by those who seldom run",
    ),
    pytest.param(Wait(others_ms=5, thread_ms=12, before_ms=5), GilWait.SHARED, id="read in the middle of the step"),
    pytest.param(Wait(others_ms=5, thread_ms=13.5, before_ms=5), GilWait.CONTESTED, id="not in the middle of the step"),
]


@pytest.mark.parametrize(("wait", "says"), SHARED)
def test_a_long_wait_in_which_others_had_the_gil_too(wait, says):
    assert wait.says is says


def test_where_there_is_no_gil_a_wait_says_nothing(monkeypatch):
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert Wait(until_ms=20).says is GilWait.NONE


def test_where_the_cpu_clock_of_the_loops_thread_is_unknown_a_long_wait_is_its_own():
    before, cpu = reading(0.0, None), reading(0.02, None, others=0.01)
    assert wanted(0.0, before=before).gil_wait(0.02, cpu, 0.0) is GilWait.LONG


TURNS = [
    pytest.param(Delayed(0.25), reading(1.0, 0.75), Turns(0.25, 1), id="as they are counted"),
    pytest.param(None, reading(1.0, 0.75), None, id="unknown, if they are not counted"),
    pytest.param(Delayed(0.25), reading(1.0, None), None, id="unknown, if its CPU clock is"),
    pytest.param(Delayed(0.25), reading(1.0, 0.8125), None, id="not asked for, if it was on a CPU most of the time"),
    pytest.param(Delayed(0.25), reading(0.875, 0.75), None, id="not asked for, if that was so for a shorter time"),
]


@pytest.mark.parametrize(("delays", "cpu", "turns"), TURNS)
def test_the_turns_of_the_loops_thread_on_the_cpus_are(delays, cpu, turns):
    assert wanted(0.0, delays=delays).loop_turns(cpu) == turns


def test_the_turns_of_a_thread_whose_cpu_clock_was_unknown_before_are_unknown():
    assert wanted(0.0, before=reading(0.0, None), delays=Delayed(0.25)).loop_turns(reading(1.0, 0.5)) is None


def test_the_turns_of_a_thread_that_had_run_before_are_counted():
    asked = wanted(4.0, before=reading(4.0, 3.0), delays=Delayed(0.25))
    assert asked.loop_turns(reading(5.0, 3.5)) == Turns(0.25, 1)
    assert asked.loop_turns(reading(5.0, 3.875)) is None


@pytest.mark.parametrize(
    ("at", "load"),
    [
        pytest.param(5.25, 2.0, id="over a quarter of a second"),
        pytest.param(6.0, 0.5, id="over a second"),
        pytest.param(5.125, 0.0, id="not over less"),
    ],
)
def test_the_load_of_the_other_threads(at, load):
    others = OtherThreads(reading(5.0, thread=1.0, others=1.0))
    others.note(reading(at, thread=3.0, others=1.5))
    assert others.load == load


def test_the_load_of_the_other_threads_is_the_latest():
    others = OtherThreads(reading(5.0))
    others.note(reading(6.0, others=1.0))
    others.note(reading(8.0, others=1.5))
    assert others.load == 0.25
