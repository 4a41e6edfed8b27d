"""The watchdog settles many stalls without keeping the GIL from the loops, and without falling behind for long."""

import asyncio
import threading
import time
from collections import Counter
from contextlib import nullcontext
from contextvars import copy_context

import pytest

from loopwatch.detection import joining
from loopwatch.detection.machine.clock import now, own_time
from loopwatch.detection.sampling import settling
from loopwatch.detection.sampling import watchdog as module
from loopwatch.detection.sampling.failures import Failures
from loopwatch.detection.sampling.watchdog import BEHIND_FROM, WORK_S, Watchdog
from loopwatch.detection.timing.loop_clock import LoopClock, Stall
from loopwatch.detection.timing.own_work import own_work
from tests.detection.builders import Step


class Reports:
    """Counts the stalls that are settled, each of which takes a while."""

    is_holding = False

    def __init__(self, takes_s=0.0):
        self.failures = Failures()
        self.kinds = Counter()
        self._takes_s = takes_s

    def report(self, stall, observation, ongoing):
        self.kinds["unexamined" if observation.is_unexamined else "examined"] += 1
        until = time.thread_time() + self._takes_s
        while time.thread_time() < until:
            pass

    def drop(self, stall):
        self.kinds["dropped"] += 1

    def release(self, backlog=None):
        pass


def settle(reports, stalls, lasted_s=1.0):
    """Hand over this many stalls before the watchdog starts, and wait for all of them. Returns the loop's clock."""
    watchdog, loop = Watchdog(reports), asyncio.new_event_loop()
    clock = LoopClock(loop, watchdog)
    for _ in range(stalls):
        ended = now()
        watchdog.hand_over(Stall(clock, None, ended - lasted_s, ended, clock.read_cpu(), (), 0))
    watchdog.start()
    assert watchdog.settled(60, releases=True)
    watchdog.stop()
    loop.close()
    return clock


def test_the_watchdog_gives_way_between_stalls(monkeypatch):
    sleep, sleepers = time.sleep, []

    def noted(seconds):
        sleepers.append(threading.current_thread().name)
        sleep(seconds)

    monkeypatch.setattr(own_time, "sleep", noted)
    reports = Reports(takes_s=2 * WORK_S)
    settle(reports, 20)
    assert reports.kinds == {"examined": 20}
    assert sleepers.count("loopwatch-watchdog") >= 19


def test_a_watchdog_that_is_far_behind_only_counts():
    reports = Reports()
    settle(reports, BEHIND_FROM + 1)
    assert reports.kinds == {"unexamined": BEHIND_FROM + 1}


def test_short_stalls_are_dropped_while_the_inbox_is_full(monkeypatch):
    monkeypatch.setattr(settling, "INBOX_HOLDS", 200)
    reports = Reports()
    settle(reports, 300, lasted_s=0.0005)
    assert reports.kinds.total() == 300
    assert reports.kinds["dropped"] in (100, 101, 102)  # the test's own markers are in the inbox too


def test_a_stall_that_a_site_may_record_is_never_dropped(monkeypatch):
    monkeypatch.setattr(settling, "INBOX_HOLDS", 200)
    reports = Reports()
    settle(reports, 300, lasted_s=0.002)
    assert reports.kinds == {"unexamined": 300}


def test_the_watchdog_has_read_its_files_once_it_has_started(monkeypatch):
    read = []

    def reads_slowly():
        time.sleep(0.01)  # releases the GIL, as reading a file does
        read.append(True)
        return ()

    monkeypatch.setattr(module, "limits_of_this_process", reads_slowly)
    monkeypatch.setattr(module, "READY_WITHIN_S", 60.0)
    watchdog = Watchdog(Reports())
    watchdog.start()
    has_read = bool(read)
    watchdog.stop()
    assert has_read


@pytest.mark.parametrize("is_own", [True, False], ids=["own work", "the program's work"])
def test_own_work_that_goes_on_is_not_reported(is_own):
    reports = Reports()
    watchdog, loop = Watchdog(reports), asyncio.new_event_loop()
    clock = LoopClock(loop, watchdog)
    with own_work() if is_own else nullcontext():
        clock.handle = Step(_context=copy_context())
    clock.found_at = clock.started = now()
    observation = watchdog._observations.of_step(clock, clock.started, 0.05)
    watchdog._settler.report_ongoing(clock, observation, now())
    loop.close()
    assert reports.kinds.total() == (0 if is_own else 1)


def test_a_failure_as_the_watchdog_stops_costs_no_other_stall_its_report(monkeypatch):
    monkeypatch.setattr(settling, "process_s", lambda: 1 / 0)
    reports = Reports()
    watchdog, loop = Watchdog(reports), asyncio.new_event_loop()
    clock = LoopClock(loop, watchdog)
    for _ in range(3):
        watchdog.hand_over(Stall(clock, None, now() - 1.0, now(), clock.read_cpu(), (), 0))
    watchdog._is_stopping = True
    watchdog.start()
    watchdog.stop()
    loop.close()
    assert (reports.kinds, reports.failures.count) == ({"examined": 3}, 3)


def test_a_stall_that_could_not_be_reported_is_counted_all_the_same():
    reports = Reports()
    reports.report = lambda *_: 1 / 0
    clock = settle(reports, 1)
    assert reports.failures.count == 1
    assert clock.recent_pauses.longest_s(now()) > 0


def test_a_report_that_never_returns_does_not_keep_the_process_from_ending(monkeypatch, caplog):
    monkeypatch.setattr(joining, "JOINS", 1)
    reports, may_return = Reports(), threading.Event()
    has_begun = threading.Event()

    def never_returns(*_):
        has_begun.set()
        may_return.wait()

    reports.report = never_returns
    watchdog, loop = Watchdog(reports), asyncio.new_event_loop()
    clock = LoopClock(loop, watchdog)
    watchdog.hand_over(Stall(clock, None, now() - 1, now(), clock.read_cpu(), (), 0))
    watchdog.start()
    assert has_begun.wait(60)
    stopping = threading.Thread(target=watchdog.stop, daemon=True)
    stopping.start()
    stopping.join(60)
    is_left_behind = not stopping.is_alive() and watchdog._thread.is_alive()
    may_return.set()
    watchdog._thread.join(60)
    loop.close()
    assert is_left_behind
    assert "The watchdog's thread does not end" in caplog.text
    assert not watchdog._thread.is_alive()
