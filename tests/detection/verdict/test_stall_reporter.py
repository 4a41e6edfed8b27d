"""Which stalls are reported, and how often."""

from dataclasses import replace

import pytest

from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.machine.gc_pauses import GcPauses
from loopwatch.detection.verdict.stall_reporter import StallReporter
from tests.detection import shop
from tests.detection.builders import Watch, observation, sample, site, stall

SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
ADDS = site(shop.checkout, "add_up(cart)", "zlib.crc32")
PROMPT = Site(SLEEPS.code, SLEEPS.offset, "pdb", None)


class Watcher(Watch):
    """Keeps the reports."""

    def receive(self, call):
        self.calls.append(call)


@pytest.fixture
def watcher():
    watcher = Watcher(ongoing_after_s=0.5)
    object.__setattr__(watcher, "calls", [])
    return watcher


class Clock:
    """The clock of a loop whose thread collected no garbage."""

    thread_id = 0


def report(seen, watcher, *, ongoing):
    seen_stall = replace(stall(1.0, subscribers=[watcher]), clock=Clock())
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
        reporter.report(replace(stall(1.0, subscribers=[watcher]), clock=Clock()), seen, False)
    assert [call.called_name for call in watcher.calls] == ["time.sleep", "time.sleep"]
