"""A thread that cannot go on for want of the GIL is told from one that waits: it wakes up every 5 ms to ask for it."""

import sys
import threading
from dataclasses import dataclass, replace

import pytest

from loopwatch.detection.calls import SAMPLING, Cause
from loopwatch.detection.machine.cpu_clocks import Turns
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.verdict.blocking_call import explain_stall
from loopwatch.detection.verdict.thread_states import is_starved, states_of
from tests.detection import shop
from tests.detection.builders import (
    NO_COLLECTION,
    Delayed,
    Watch,
    observation,
    reading,
    reported,
    sample,
    site,
    stall,
)

SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
DUMPS = site(shop.checkout, "json.dumps(total)")
EVENT = site(threading.Event.wait, callee="threading.Lock.acquire")
STARTS = (EVENT, site(threading.Thread.start))
OTHER_START = (EVENT, site(threading.Thread.start, module="shop.weaving"))


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """The time before a sample: for so long, while other threads ran for ``others_ms`` and had the GIL.

    The loop's thread came on a CPU so many ``turns`` and used it for ``own_ms``.
    """

    ms: float = 20
    turns: int | None = None
    others_ms: float = 19
    own_ms: float = 0
    gil: GilWait = GilWait.SHARED
    stack: tuple[object, ...] = (SLEEPS,)
    delayed_ms: float = 0


def samples_of(*stretches):
    at_ms = own_ms = others_ms = 0.0
    for each in stretches:
        at_ms, own_ms, others_ms = at_ms + each.ms, own_ms + each.own_ms, others_ms + each.others_ms
        at, cpu = at_ms / 1000, reading(at_ms / 1000, own_ms / 1000, others_ms / 1000)
        yield sample(at, cpu, each.stack, each.gil, delayed_s=each.delayed_ms / 1000, turns=each.turns)


FIRST = Stretch(turns=None)
SEEN = [
    pytest.param(
        [FIRST, Stretch(turns=4)], [Cause.STARVED] * 2, id="starved, if it asked for the GIL every switch interval"
    ),
    pytest.param([FIRST, Stretch(turns=0)], [Cause.WAITING] * 2, id="waiting, if it slept while others had the GIL"),
    pytest.param([FIRST, Stretch(turns=1)], [Cause.WAITING] * 2, id="waiting, if it woke up once"),
    pytest.param([FIRST, Stretch(turns=2)], [Cause.STARVED] * 2, id="starved, if it asked half of the time"),
    pytest.param([Stretch(turns=1)], [Cause.WAITING], id="waiting, if it woke up once until the first sample"),
    pytest.param([Stretch(turns=0)], [Cause.WAITING], id="waiting, if it slept until the first sample"),
    pytest.param([FIRST, Stretch(turns=None)], [Cause.STARVED] * 2, id="starved, where turns are not counted"),
    pytest.param(
        [Stretch(turns=0), Stretch(turns=0)], [Cause.WAITING] * 2, id="waiting, if it slept from the beginning"
    ),
    pytest.param(
        [Stretch(turns=40, others_ms=2, gil=GilWait.NONE), Stretch(turns=0)],
        [Cause.WAITING] * 2,
        id="waiting, whatever the turns were from before the first sample",
    ),
    pytest.param(
        [FIRST, *[Stretch(turns=4)] * 5], [Cause.STARVED] * 6, id="starved, if it asked, for as long as it stands there"
    ),
    pytest.param(
        [FIRST, *[Stretch()] * 5], [Cause.WAITING] * 6, id="waiting, if it stands there for long and turns are unknown"
    ),
    pytest.param(
        [FIRST, Stretch(turns=4, others_ms=1, gil=GilWait.CONTESTED)],
        [Cause.STARVED] * 2,
        id="starved, if it asked and the thread that had the GIL had no CPU",
    ),
    pytest.param(
        [Stretch(turns=4, others_ms=1, gil=GilWait.CONTESTED)],
        [Cause.WAITING],
        id="waiting, as the first sample alone says, whose turns may be from before",
    ),
    pytest.param(
        [FIRST, *[Stretch(turns=4, others_ms=1, gil=GilWait.CONTESTED)] * 2],
        [Cause.STARVED] * 3,
        id="starved, if it asked and nobody had a CPU",
    ),
    pytest.param(
        [Stretch(others_ms=0, gil=GilWait.NONE), Stretch(turns=4, others_ms=0, gil=GilWait.NONE)],
        [Cause.WAITING] * 2,
        id="waiting, if it woke up often and the GIL was free",
    ),
    pytest.param(
        [FIRST, Stretch(ms=30, turns=2, delayed_ms=18)],
        [Cause.STARVED] * 2,
        id="starved, if it asked whenever it had a CPU",
    ),
    pytest.param(
        [Stretch(stack=(DUMPS,)), Stretch(ms=8, others_ms=8, turns=0)],
        [Cause.STARVED] * 2,
        id="starved, if it stands there too shortly for its turns to say anything",
    ),
    pytest.param(
        [Stretch(stack=(DUMPS,)), Stretch(ms=12, others_ms=12, turns=0)],
        [Cause.STARVED, Cause.WAITING],
        id="waiting, if it slept for long enough to have asked twice",
    ),
    pytest.param(
        [Stretch(stack=STARTS, gil=GilWait.NONE, others_ms=0)],
        [Cause.STARVED],
        id="starved, if it sleeps until a thread that it starts has had a CPU",
    ),
    pytest.param(
        [Stretch(stack=STARTS, own_ms=19)], [Cause.COMPUTING], id="computing, if it is on a CPU to start a thread"
    ),
    pytest.param(
        [FIRST, Stretch(turns=4, own_ms=19, others_ms=0)],
        [Cause.STARVED, Cause.COMPUTING],
        id="computing, if it was on a CPU",
    ),
    pytest.param(
        [FIRST, Stretch(turns=1, own_ms=12, others_ms=8)],
        [Cause.WAITING, Cause.COMPUTING],
        id="waiting and then computing, if it slept and then was on a CPU",
    ),
    pytest.param(
        [Stretch(stack=STARTS), *[Stretch(turns=0, stack=STARTS)] * 5],
        [Cause.STARVED] * 6,
        id="starved, if it sleeps until a thread that it starts has had the GIL",
    ),
    pytest.param(
        [Stretch(stack=STARTS, gil=GilWait.NONE)],
        [Cause.STARVED],
        id="starved, if it starts a thread that has no CPU",
    ),
    pytest.param(
        [Stretch(stack=OTHER_START), Stretch(turns=0, stack=OTHER_START)],
        [Cause.WAITING] * 2,
        id="waiting, if it sleeps in a method of the same name that starts something else",
    ),
    pytest.param(
        [Stretch(stack=(EVENT, SLEEPS)), Stretch(turns=0, stack=(EVENT, SLEEPS))],
        [Cause.WAITING] * 2,
        id="waiting, if it sleeps until a thread that has started sets an event",
    ),
]


@pytest.mark.parametrize(("stretches", "states"), SEEN)
def test_a_thread_that_others_kept_the_gil_from_was(stretches, states):
    assert states_of(list(samples_of(*stretches)), 0.0, reading(0.0)) == states


def test_turns_from_before_the_step_say_nothing():
    (first,) = samples_of(Stretch(turns=3))
    assert states_of([first], 0.0, reading(-0.1)) == [Cause.STARVED]


# The end of a step, which no sample shows: the watchdog could not have the GIL before the step was over.

SHORT_WAIT = Stretch(ms=12, others_ms=0, gil=GilWait.NONE)
ENDED_MS = 40
UNTIL_THE_END_MS = ENDED_MS - SHORT_WAIT.ms


def report_of(end, *, seen_until_ms=18, threshold_ms=30):
    """Of a step that waited at its first sample; nothing was seen of its ``end``, since ``seen_until_ms``."""
    (first,) = samples_of(SHORT_WAIT)
    *_, last = samples_of(SHORT_WAIT, replace(end, ms=UNTIL_THE_END_MS))
    step = stall(last.taken_at, cpu=last.cpu, subscribers=[Watch(threshold_s=threshold_ms / 1000)])
    turns = None if end.turns is None else Turns(delayed_s=0.0, taken=end.turns)
    seen = replace(observation(first), unseen_since=seen_until_ms / 1000, unseen_turns=turns)
    explained = explain_stall(step, seen, 0.0, SAMPLING, NO_COLLECTION)
    return reported(*explained.paths, of=step, seen=seen)


ENDS = [
    pytest.param(Stretch(others_ms=27, turns=6), Cause.STARVED, id="starved, if it asked for the GIL"),
    pytest.param(Stretch(others_ms=27), Cause.STARVED, id="starved, if other threads ran"),
    pytest.param(Stretch(others_ms=27, turns=0), Cause.WAITING, id="waiting, if it slept on"),
    pytest.param(Stretch(others_ms=0, own_ms=27), Cause.WAITING, id="as it was seen, if it was on a CPU itself"),
]


@pytest.mark.parametrize(("end", "cause"), ENDS)
def test_a_step_whose_end_no_sample_shows_was(end, cause):
    assert report_of(end).cause is cause


def test_no_thread_keeps_a_gil_that_is_off_from_a_step_whose_end_no_sample_shows(monkeypatch):
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert report_of(Stretch(others_ms=27, turns=6)).cause is Cause.WAITING


def test_a_watchdog_that_was_not_late_has_missed_nothing():
    assert report_of(Stretch(others_ms=27, turns=6), seen_until_ms=ENDED_MS - 1).cause is Cause.WAITING


def test_a_step_that_only_starvation_made_a_stall_is_starved():
    end = Stretch(others_ms=27, turns=6)
    assert report_of(end, seen_until_ms=28, threshold_ms=30).cause is Cause.STARVED
    assert report_of(end, seen_until_ms=28, threshold_ms=15).cause is Cause.WAITING


# No sample at all.


@pytest.mark.parametrize(
    ("own_s", "others_s", "delayed_s", "starved"),
    [
        pytest.param(0.1, 0.3, None, True, id="it hardly ran and others did"),
        pytest.param(0.1, 0.1, None, False, id="others hardly ran either"),
        pytest.param(0.01, 0.19, None, True, id="others hardly ran, but for much longer"),
        pytest.param(0.4, 0.3, None, False, id="it ran for a while, and nothing is known of the CPUs"),
        pytest.param(0.4, 0.3, 0.0, True, id="it ran for less than it would have had it kept the GIL itself"),
        pytest.param(0.4, 0.3, 0.3, False, id="it had no CPU for as long"),
        pytest.param(0.7, 0.3, 0.0, False, id="it ran for most of the time"),
    ],
)
def test_a_step_that_the_watchdog_saw_nothing_of_was_starved_if(own_s, others_s, delayed_s, starved):
    delays = None if delayed_s is None else Delayed(loop=delayed_s)
    assert is_starved(reading(1.0, own_s, others_s), reading(0.0), 1.0, delays) is starved
