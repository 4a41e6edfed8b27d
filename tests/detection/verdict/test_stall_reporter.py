"""Which stalls are reported, to whom, and how often."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from loopwatch.detection.calls import Cause
from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.sampling.gc_pauses import GcPauses, Pause
from loopwatch.detection.sampling.settling import SeenPause
from loopwatch.detection.timing.backlog import Backlog
from loopwatch.detection.timing.loop_clock import PauseBetweenSteps
from loopwatch.detection.verdict.stall_reporter import StallReporter
from tests.detection import shop
from tests.detection.builders import Step, Watch, observation, reading, sample, site, stall

SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
ADDS = site(shop.checkout, "add_up(cart)", "zlib.crc32")
PROMPT = Site(SLEEPS.code, SLEEPS.offset, "pdb", None)


@dataclass(frozen=True)
class Watcher(Watch):
    """Keeps the reports."""

    calls: list = field(default_factory=list)

    def receive(self, call):
        self.calls.append(call)


class Broken(Watch):
    """Raises at every report, even what ends a thread."""

    def receive(self, call):
        raise SystemExit(call.method_name)


@pytest.fixture
def watcher():
    return Watcher(ongoing_after_s=0.5)


class Clock:
    """The clock of a loop whose thread collected no garbage."""

    thread_id = 0


def pause_of(subscribers):
    """A pause of one second in which no thread used the CPU, and what the watchdog knew of it."""
    pause = PauseBetweenSteps(Clock(), 5.0, 6.0, None, reading(6.0), tuple(subscribers), 0, (), 5.0)
    return pause, SeenPause("a pause", reading(5.0), 0.0, None)


def report(seen, watcher, *, ongoing):
    seen_stall = stall(1.0, subscribers=[watcher])._replace(clock=Clock())
    StallReporter(GcPauses(), list).report(seen_stall, seen, ongoing)


def test_a_step_at_a_debuggers_prompt_is_not_reported(watcher):
    seen = observation(sample(0.9, stack=[PROMPT]))
    report(seen, watcher, ongoing=True)
    report(seen, watcher, ongoing=False)
    assert watcher.calls == []


def test_the_end_of_a_stall_is_reported_though_a_debugger_was_entered_after_its_ongoing_report(watcher):
    seen = observation(sample(0.6, stack=[SLEEPS]))
    report(seen, watcher, ongoing=True)
    seen.add(sample(0.9, stack=[PROMPT]))
    report(seen, watcher, ongoing=True)
    report(seen, watcher, ongoing=False)
    assert [call.ongoing for call in watcher.calls] == [True, False]


def test_stalls_by_the_same_two_calls_are_one_finding_whichever_took_longer(watcher):
    reporter = StallReporter(GcPauses(), list)
    for until in (0.625, 0.375):
        seen = observation(sample(until, stack=[SLEEPS]), sample(1.0, 1.0 - until, [ADDS], requested_at=until))
        reporter.report(stall(1.0, subscribers=[watcher])._replace(clock=Clock()), seen, False)
    assert [call.called_name for call in watcher.calls] == ["time.sleep", "time.sleep"]


def test_a_stall_that_no_sample_shows_joins_the_finding_of_its_kind_of_step(watcher):
    reporter, step = StallReporter(GcPauses(), list), Step(shop.checkout)
    seen_stall = stall(1.0, cpu=1.0, handle=step, subscribers=[watcher])._replace(clock=Clock())
    for seen in (observation(sample(0.9, 0.9, [ADDS])), observation()):
        reporter.report(seen_stall, seen, False)
    assert [call.called_name for call in watcher.calls] == ["zlib.crc32", "zlib.crc32"]
    assert [call.exact for call in watcher.calls] == [True, False]


OWN_CODE = site(shop.checkout, "add_up(cart)")
SHOWN = [
    pytest.param([sample(0.9, 0.9, [OWN_CODE], GilWait.CONTESTED)], False, id="not if its only sample may be too late"),
    pytest.param([sample(0.9, 0.9, [OWN_CODE])], True, id="if its only sample came in time"),
    pytest.param([sample(at, at, [OWN_CODE], GilWait.CONTESTED) for at in (0.5, 0.9)], True, id="if several show it"),
]


@pytest.mark.parametrize(("samples", "is_shown"), SHOWN)
def test_a_stall_of_a_functions_own_code_joins_no_other_finding(watcher, samples, is_shown):
    reporter, step = StallReporter(GcPauses(), list), Step(shop.checkout)
    seen_stall = stall(1.0, cpu=1.0, handle=step, subscribers=[watcher])._replace(clock=Clock())
    for seen in (observation(sample(0.9, 0.9, [ADDS])), observation(*samples)):
        reporter.report(seen_stall, seen, False)
    assert [call.called_name for call in watcher.calls] == ["zlib.crc32", "shop.checkout" if is_shown else "zlib.crc32"]


def test_a_subscriber_that_fails_costs_only_itself_and_is_logged_once(watcher, caplog):
    reporter = StallReporter(GcPauses(), list)
    seen = stall(1.0, subscribers=[Broken(), watcher, Broken()])._replace(clock=Clock())
    reporter.report(seen, observation(sample(0.9, stack=[SLEEPS])), False)
    assert [call.called_name for call in watcher.calls] == ["time.sleep"]
    assert (reporter.failures.count, len(caplog.records)) == (2, 1)


def test_a_subscriber_that_fails_costs_no_other_the_report_of_a_pause_between_steps(watcher):
    reporter, subscribers = StallReporter(GcPauses(), list), (Broken(), watcher)
    reporter.report_pause(*pause_of(subscribers))
    assert len(watcher.calls) == 1


def test_a_collection_on_the_loops_own_thread_between_steps_is_reported_as_one(watcher):
    collections = GcPauses()
    collections._pauses.append(Pause(Clock.thread_id, 5.0, 5.9))
    StallReporter(collections, list).report_pause(*pause_of([watcher]))
    assert [call.cause for call in watcher.calls] == [Cause.GARBAGE_COLLECTION]


def test_a_finalizer_that_the_collector_calls_is_the_culprit_and_not_the_collector(watcher):
    collections = GcPauses()
    collections._pauses.append(Pause(Clock.thread_id, 0.0, 1.0))
    seen_stall = stall(1.0, subscribers=[watcher])._replace(clock=Clock())
    StallReporter(collections, list).report(seen_stall, observation(sample(0.5, stack=[SLEEPS])), ongoing=False)
    assert [(call.called_name, call.cause) for call in watcher.calls] == [("time.sleep", Cause.WAITING)]


def test_a_dropped_stall_is_counted_by_those_whose_threshold_it_reached():
    first, coarse, late = subscribers = [
        SimpleNamespace(threshold_s=threshold_s, entered=entered, calls_dropped=0)
        for threshold_s, entered in ((0.5, 0.0), (2.0, 0.0), (0.5, 0.75))
    ]
    StallReporter(GcPauses(), list).drop(stall(1.0, subscribers=subscribers))
    assert (first.calls_dropped, coarse.calls_dropped, late.calls_dropped) == (1, 0, 0)


def test_a_subscriber_that_fails_costs_no_other_the_report_that_was_held_back(watcher):
    reporter, backlog = StallReporter(GcPauses(), list), Backlog(0.0, 1.0)
    subscribers = [Broken(counts_kept_out=True), replace(watcher, counts_kept_out=True)]
    seen = stall(1.0, subscribers=subscribers)._replace(clock=Clock(), backlog=backlog)
    reporter.report(seen, observation(sample(0.9, stack=[SLEEPS])), False)
    reporter.release(backlog)
    assert len(watcher.calls) == 1
