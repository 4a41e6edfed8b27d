"""Which thread kept the GIL, by the CPU time that each has used meanwhile."""

import dis
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from types import SimpleNamespace

import pytest

from loopwatch.detection.lookout.look import Look, LookedFrame
from loopwatch.detection.lookout.lookout import Lookout
from loopwatch.detection.machine.clock import now
from loopwatch.detection.machine.thread_cpu import ENDED, IS_SUPPORTED, CpuUse, ThreadCpu
from loopwatch.detection.sampling import gil_holds
from loopwatch.detection.sampling.gil_holds import GilHolds, Hold, holder_of
from loopwatch.detection.timing import stopwatch
from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight, current_request
from tests.detection.builders import stop_clock

WATCHDOG, A, B = 1, 2, 3

USES = [
    pytest.param({A: 0.1, B: 0.0}, (A, True), id="certainly the one that used the CPU all the time"),
    pytest.param({A: 0.09, B: 0.01}, (A, True), id="certainly the one that used most of it, if others used the rest"),
    pytest.param({A: 0.1, B: 0.03}, (A, False), id="likely the one that used most of it, if others used more"),
    pytest.param({A: 0.03, B: 0.0}, (A, False), id="likely the one that ran, if it had no CPU for most of the time"),
    pytest.param({A: 0.01, B: 0.0}, None, id="unknown if no thread ran for long"),
    pytest.param({A: 0.1, B: 0.09}, None, id="unknown if two threads ran"),
    pytest.param({WATCHDOG: 0.1, A: 0.0}, None, id="unknown if only the watchdog ran"),
    pytest.param({WATCHDOG: 0.1, A: 0.1}, (A, True), id="certainly the one that ran, whatever the watchdog did"),
    pytest.param({}, None, id="unknown where no clock can be read"),
]


@pytest.mark.parametrize(("by_thread", "holder"), USES)
def test_the_holder_of_a_tenth_of_a_second_is(by_thread, holder):
    assert holder_of(CpuUse(4.9, by_thread), 5.0, 5.1, WATCHDOG) == holder


def hold(since, until, thread_id=A):
    return Hold(since, until, thread_id, (), is_certain=True)


@pytest.fixture
def lookout():
    return Lookout()


@pytest.fixture
def holds(lookout):
    return GilHolds(ThreadCpu(), lookout)


@pytest.fixture
def resting():
    """A thread that waits for an event."""
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    yield thread
    stop.set()
    thread.join()


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param([hold(0.0, 10.0)], 0, id="the one that covers it"),
        pytest.param([hold(5.0, 10.0)], 0, id="one that covers half of it"),
        pytest.param([hold(6.0, 10.0)], None, id="none if less than half is covered"),
        pytest.param([hold(0.0, 10.0, thread_id=B)], None, id="none if the thread kept the GIL itself"),
        pytest.param([hold(0.0, 6.0), hold(1.0, 10.0)], 1, id="the one that covers most of it"),
    ],
)
def test_a_pause_of_ten_seconds_is_explained_by(known, expected, holds):
    holds._latest.extend(known)
    assert holds.within(B, 0.0, 10.0) is (None if expected is None else known[expected])


def test_the_watchdog_has_waited_if_the_gil_came_late(holds, monkeypatch):
    at = stop_clock(monkeypatch, gil_holds)
    assert holds.has_waited(at - 0.1)
    assert not holds.has_waited(at - 0.001)


def test_a_wait_is_examined_once(holds, monkeypatch):
    at = stop_clock(monkeypatch, gil_holds)
    holds.look(at - 0.1, at)
    assert not holds.has_waited(at - 0.1)


@pytest.mark.skipif(not IS_SUPPORTED, reason="CPU clocks of other threads are read on Linux only")
@pytest.mark.parametrize("is_seen", [True, False])
def test_the_lookout_decides_whether_a_hold_is_certain(holds, resting, lookout, monkeypatch, is_seen):
    monkeypatch.setattr(holds.cpu, "use", lambda: CpuUse(0.0, {resting.ident: 1.0, 0: 0.5 * is_seen}))
    monkeypatch.setattr(gil_holds, "thread_cpu_s", lambda _: 1.0)  # it rests while it is looked at
    lookout.looks.append(Look(resting.native_id if is_seen else 0, 0.0, 1.0, 0, (), 0))
    found = holds.look(0.0, 1.0)
    assert found.is_certain is is_seen


def raise_to(power):
    return 3**power


def look_at_raising(native_id, first_at=0.0, last_at=1.0, outer=()):
    """A look that shows a thread as it raises."""
    code = raise_to.__code__
    instruction = next(each for each in dis.get_instructions(code) if each.opname == "BINARY_OP")
    lineno, end_lineno, column, end_column = instruction.positions
    frame = LookedFrame(code.co_filename, code.co_qualname, lineno, end_lineno, column, end_column)
    return Look(native_id, first_at, last_at, instruction.opcode, (frame, *outer), 0)


@pytest.mark.skipif(not IS_SUPPORTED, reason="CPU clocks of other threads are read on Linux only")
def test_the_lookout_says_where_a_thread_stood_that_has_gone_on(holds, resting, lookout, monkeypatch):
    monkeypatch.setattr(holds.cpu, "use", lambda: CpuUse(0.0, {resting.ident: 0.0}))
    lookout.looks.append(look_at_raising(resting.native_id))
    found = holds.look(0.0, 1.0)
    assert (found.thread_id, found.is_certain, found.is_seen) == (resting.ident, True, True)
    assert [site.code for site in found.sites] == [raise_to.__code__]


@pytest.mark.skipif(not IS_SUPPORTED, reason="CPU clocks of other threads are read on Linux only")
def test_the_lookout_says_where_a_thread_stood_that_has_ended(holds, lookout, monkeypatch):
    monkeypatch.setattr(gil_holds, "thread_id_of", lambda _: ENDED)
    lookout.looks.append(look_at_raising(1))
    found = holds.look(0.0, 1.0)
    assert (found.thread_id, found.is_seen) == (ENDED, True)


def test_a_thread_that_has_ended_may_have_run_the_loop_itself(holds, lookout, monkeypatch):
    monkeypatch.setattr(gil_holds, "thread_id_of", lambda _: ENDED)
    step = stopwatch._timed_as_asyncio_runs(print, lambda loop: None).__code__
    place = next(each for each in step.co_positions() if None not in each)
    lookout.looks.append(look_at_raising(1, outer=[LookedFrame(step.co_filename, step.co_qualname, *place)]))
    assert holds.look(0.0, 1.0) is None


@pytest.mark.parametrize("last_at", [0.5, 0.4])
def test_a_look_that_explains_only_half_of_the_time_names_nobody(holds, resting, lookout, monkeypatch, last_at):
    monkeypatch.setattr(holds.cpu, "use", lambda: CpuUse(0.0, {}))
    lookout.looks.append(look_at_raising(resting.native_id, last_at=last_at))
    assert holds.look(0.0, 1.0) is None


def test_without_a_gil_nobody_keeps_it_and_no_stack_is_walked(holds, monkeypatch):
    monkeypatch.setattr(gil_holds, "is_gil_enabled", lambda: False)
    monkeypatch.setattr(holds.cpu, "use", lambda: CpuUse(0.0, {threading.get_ident(): 1.0, 0: 0.0}))
    monkeypatch.setattr(gil_holds, "threading", SimpleNamespace(get_ident=lambda: 0))
    walks = []
    monkeypatch.setattr(gil_holds, "stack_of", lambda *_: walks.append(1))
    assert holds.look(0.0, 1.0) is None
    assert walks == []


@pytest.mark.skipif(not IS_SUPPORTED, reason="CPU clocks of other threads are read on Linux only")
def test_the_request_that_the_thread_worked_for_is_kept(holds, monkeypatch):
    def wait():
        began.set()
        stop.wait()

    request, context = RequestInFlight(InFlight(), lambda: None), copy_context()
    context.run(current_request.set, request)
    began, stop = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as executor:
        executor.submit(partial(context.run, wait))
        began.wait()
        (thread,) = executor._threads
        monkeypatch.setattr(holds.cpu, "use", lambda: CpuUse(0.0, {thread.ident: 1.0}))
        monkeypatch.setattr(gil_holds, "thread_cpu_s", lambda _: 1.0)  # it rests while it is looked at
        found = holds.look(0.0, 1.0)
        stop.set()
    assert found.request is request


@pytest.mark.skipif(not IS_SUPPORTED, reason="CPU clocks of other threads are read on Linux only")
@pytest.mark.parametrize(
    ("readings_s", "is_holder"),
    [
        pytest.param([0.0, 0.0], True, id="it rests"),
        pytest.param([0.0, 100.0, 100.0, 100.0], True, id="it goes to rest"),
        pytest.param([0.0, 100.0, 100.0, 200.0, 200.0, 300.0], False, id="it runs on, without the GIL"),
        pytest.param([None] * 6, False, id="it has ended"),
    ],
)
def test_a_thread_kept_the_gil_if_it_rests_while_it_is_looked_at(holds, resting, monkeypatch, readings_s, is_holder):
    readings = iter(readings_s)
    monkeypatch.setattr(holds.cpu, "use", lambda: CpuUse(0.0, {resting.ident: 1.0}))
    monkeypatch.setattr(gil_holds, "thread_cpu_s", lambda _: next(readings))
    assert (holds.look(0.0, 1.0) is not None) is is_holder
    assert next(readings, None) is None


@pytest.mark.real_time
def test_the_stack_of_the_thread_that_kept_the_gil_is_kept(holds):
    def export():
        begin.wait()
        for _ in range(3):  # the last one is under way when this thread has the GIL again
            json.dumps(rows)

    begin, rows = threading.Event(), list(range(2_000_000))
    thread = threading.Thread(target=export)
    thread.start()
    holds.cpu.read()
    asked_at = now()
    begin.set()
    while not holds.has_waited(asked_at):
        pass
    found = holds.look(asked_at, now())
    thread.join()
    assert "export" in [site.code.co_name for site in found.sites]
