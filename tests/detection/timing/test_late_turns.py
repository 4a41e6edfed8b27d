"""A loop that comes late says so itself, although the watchdog did not ask it to."""

import asyncio
import selectors
import socket
import time
from contextlib import closing, contextmanager, suppress
from functools import partialmethod
from importlib import import_module
from importlib.util import find_spec

import pytest

from loopwatch.detection.machine.clock import now
from loopwatch.detection.timing import steps
from loopwatch.detection.timing.loop_clock import LoopClock, PauseBetweenSteps
from loopwatch.detection.timing.steps import EVERY_STEP
from loopwatch.detection.timing.watched_loops import LoopHooks
from tests.detection.builders import Watch

THRESHOLD_S = 0.05
LATE_S = 0.07


class Inbox(list):
    """A watchdog that keeps what it is given."""

    hand_over = list.append

    def wake(self):
        pass

    def cpu_s(self):
        return 0.0

    def pauses_during(self, late):
        """The pauses that overlap that time. The machine may have made others."""
        began, ended = late
        pauses = [item for item in self if isinstance(item, PauseBetweenSteps)]
        return [pause for pause in pauses if pause.since < ended and began < pause.until]


class LateSelector(selectors.DefaultSelector):
    """Comes back late once, when told to, as if another thread kept the GIL."""

    is_to_be_late = False
    late = None
    find_ready = None
    """Makes steps ready at the end of a wait that nothing limits, as sockets do."""

    def select(self, timeout=None):
        if self.find_ready is not None and timeout is None:
            self.find_ready()
            return []
        ready = super().select(timeout)
        if self.is_to_be_late:
            self.is_to_be_late = False
            self.late = sleep()
        return ready


def sleep(lasts_s=LATE_S):
    began = now()
    time.sleep(lasts_s)
    return began, now()


@contextmanager
def watched(loop, make_clock=LoopClock):
    """Give the inbox with what the watchdog of the loop would get."""
    inbox, hooks = Inbox(), LoopHooks(lambda _loop: None)
    hooks.install(loop)
    clock = hooks.watched[loop] = make_clock(loop, inbox)
    clock.owner = loop
    clock.set_subscribers((Watch(threshold_s=THRESHOLD_S),))
    inbox.clock = clock
    yield inbox
    hooks.uninstall()


@pytest.fixture
def selector():
    return LateSelector()


@pytest.fixture
def loop(selector):
    loop = asyncio.SelectorEventLoop(selector)
    yield loop
    loop.close()


async def time_out():
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), 0.001)


@pytest.mark.parametrize(
    "wait",
    [
        pytest.param(lambda: asyncio.sleep(0.001), id="for a timer"),
        pytest.param(lambda: asyncio.sleep(0), id="for nothing"),
        pytest.param(time_out, id="for a timeout"),
    ],
)
def test_a_loop_paused_if_its_selector_came_back_late_from_a_wait(loop, selector, wait):
    async def waiting():
        await asyncio.sleep(0)
        selector.is_to_be_late = True
        await wait()

    with watched(loop) as inbox:
        loop.run_until_complete(waiting())
    (pause,) = inbox.pauses_during(selector.late)
    assert pause.until - pause.since >= THRESHOLD_S


def test_a_loop_paused_if_its_selector_came_back_a_bit_late_again_and_again(loop, selector, monkeypatch):
    late, select = [], selector.select

    def select_late(timeout):
        ready = select(timeout)
        late.append(sleep(LATE_S / 2))
        return ready

    async def waiting():
        await asyncio.sleep(0)
        monkeypatch.setattr(selector, "select", select_late)
        await asyncio.sleep(0.001)  # a turn for the timer, and one for the task

    with watched(loop) as inbox:
        loop.run_until_complete(waiting())
    pauses = inbox.pauses_during((late[0][0], late[1][1]))  # one, unless the machine made each of them long enough
    assert sum(pause.until - pause.since for pause in pauses) >= THRESHOLD_S


def test_a_loop_that_came_late_to_a_timer_paused_before_whatever_step_came_first(loop, selector, monkeypatch):
    late = []

    def select(_timeout):
        late.append(sleep())
        loop._ready.append(asyncio.Handle(int, (), loop))
        return []

    monkeypatch.setattr(selector, "select", select)
    loop.call_later(0.001, loop.stop)
    with watched(loop) as inbox:
        loop.run_forever()
    (pause,) = inbox.pauses_during(late[0])
    assert pause.until - pause.since >= THRESHOLD_S


def test_a_loop_that_waits_for_a_socket_only_rests(loop, selector):
    async def waiting():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            received = asyncio.ensure_future(loop.sock_recv(ours, 1))
            await asyncio.sleep(0)
            theirs.send(b"x")
            selector.is_to_be_late = True
            await received

    with watched(loop) as inbox:
        loop.run_until_complete(waiting())
    assert inbox.pauses_during(selector.late) == []


class LateHandle(asyncio.Handle):
    """Holds up the loop when it asks whether the handle is cancelled, which is between two steps of a turn."""

    late = None

    @property
    def _cancelled(self):
        self.late = self.late or sleep()
        return False

    @_cancelled.setter
    def _cancelled(self, _is_cancelled):
        pass


def test_a_loop_paused_if_it_came_late_to_the_second_step_of_a_turn(loop, selector):
    handle = LateHandle(loop.stop, (), loop)
    selector.find_ready = lambda: loop._ready.extend([asyncio.Handle(int, (), loop), handle])
    with watched(loop) as inbox:
        loop.run_forever()
    (pause,) = inbox.pauses_during(handle.late)
    assert pause.until - pause.since >= THRESHOLD_S


def test_a_loop_rests_until_a_step_whose_turn_began_with_a_cancelled_one(loop, selector):
    cancelled, rests = asyncio.Handle(int, (), loop), []
    cancelled.cancel()

    def find_ready():
        rests.append(sleep())
        loop._ready.extend([cancelled, asyncio.Handle(loop.stop, (), loop)])

    selector.find_ready = find_ready
    with watched(loop) as inbox:
        loop.run_forever()
    assert inbox.pauses_during(rests[0]) == []


def test_a_loop_rests_on_after_a_turn_without_steps(loop, selector, monkeypatch):
    """asyncio limits each wait to a day; the next turn waits for the rest of the time."""
    monkeypatch.setattr(asyncio.base_events, "MAXIMUM_SELECT_TIMEOUT", LATE_S)
    rests = []

    def select(_timeout):
        rests.append(sleep())
        if len(rests) == 3:
            loop._ready.append(asyncio.Handle(loop.stop, (), loop))
        return []

    monkeypatch.setattr(selector, "select", select)
    loop.call_later(3600, int)
    with watched(loop) as inbox:
        loop.run_forever()
    assert [inbox.pauses_during(rest) for rest in rests] == [[], [], []]


@pytest.mark.parametrize("ago_s", [LATE_S, 5], ids=["within the rest", "before the rest"])
def test_a_timer_set_for_a_moment_in_the_past_makes_no_pause_of_the_rest_before_it(ago_s, loop, selector):
    def find_ready():
        rests.append(sleep(2 * LATE_S))
        loop._ready.append(asyncio.Handle(set_timer, (), loop))

    def set_timer():
        inbox.clock.wants_step_begin = True  # as the watchdog does once the step has ended
        loop.call_at(loop.time() - ago_s, loop.stop)

    rests = []
    selector.find_ready = find_ready
    with watched(loop) as inbox:
        loop.run_forever()
    assert inbox.pauses_during(rests[0]) == []


@pytest.mark.parametrize("steps_between", [0, 1])
def test_a_pause_before_a_timer_set_for_the_past_begins_when_the_timer_was_set(steps_between, loop, selector):
    def find_ready():
        rests.append(sleep(2 * LATE_S))
        loop._ready.append(asyncio.Handle(set_timer, (), loop))

    def set_timer():
        for _ in range(steps_between):
            loop.call_soon(int)
        loop.call_at(loop.time() - 5, loop.stop)
        selector.is_to_be_late = True

    rests = []
    selector.find_ready = find_ready
    with watched(loop) as inbox:
        loop.run_forever()
    (pause,) = inbox.pauses_during(selector.late)
    assert rests[0][0] < pause.since
    assert pause.until - pause.since >= THRESHOLD_S


needs_uvloop = pytest.mark.skipif(find_spec("uvloop") is None, reason="There is no uvloop for this Python")


@needs_uvloop
@pytest.mark.parametrize(
    "schedule",
    [
        pytest.param(lambda loop: loop.call_later(0.004, loop.stop), id="a timer"),
        pytest.param(lambda loop: loop.call_soon(loop.stop), id="a callback that was due at once"),
    ],
)
def test_a_loop_that_is_not_asyncios_own_paused_if_it_came_late_to(schedule):
    loop = import_module("uvloop").new_event_loop()
    late = []
    loop.call_soon(lambda: late.append(sleep()))  # before the loop is watched: no step of it
    with watched(loop) as inbox:
        schedule(loop)
        loop.run_forever()
    loop.close()
    (pause,) = inbox.pauses_during(late[0])
    assert pause.until - pause.since >= THRESHOLD_S


@needs_uvloop
@pytest.mark.parametrize(
    "schedule",
    [
        pytest.param(lambda loop, callback: loop.call_later(-1, callback), id="a negative delay"),
        pytest.param(lambda loop, callback: loop.call_at(loop.time() - 1, callback), id="a moment in the past"),
    ],
)
def test_a_callback_was_not_due_before_it_was_scheduled(schedule):
    async def rest():
        rests.append(now())
        await asyncio.sleep(LATE_S)
        scheduled = asyncio.Event()
        schedule(loop, scheduled.set)
        await scheduled.wait()

    rests = []
    with closing(import_module("uvloop").new_event_loop()) as loop, watched(loop) as inbox:
        loop.run_until_complete(rest())
    assert inbox.pauses_during((rests[0], rests[0] + LATE_S / 2)) == []


@pytest.mark.parametrize("module", ["asyncio", pytest.param("uvloop", marks=needs_uvloop)])
@pytest.mark.parametrize(
    "schedule",
    [
        pytest.param(lambda loop: None, id="nothing"),
        pytest.param(lambda loop: loop.call_soon(int), id="a callback"),
        pytest.param(lambda loop: loop.call_later(0.001, int), id="a timer"),
    ],
)
def test_a_loop_was_late_for_nothing_while_nobody_ran_it(schedule, module):
    with closing(import_module(module).new_event_loop()) as loop, watched(loop) as inbox:
        loop.run_until_complete(asyncio.sleep(0))
        schedule(loop)
        between = sleep()
        loop.run_until_complete(asyncio.sleep(0.002))
    assert inbox.pauses_during(between) == []


def test_a_loop_that_was_run_again_paused_if_its_selector_came_back_late(loop, selector):
    async def waiting():
        await asyncio.sleep(0)
        selector.is_to_be_late = True
        await asyncio.sleep(0)

    with watched(loop) as inbox:
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(waiting())
    (pause,) = inbox.pauses_during(selector.late)
    assert pause.until - pause.since >= THRESHOLD_S


class Failing(LoopClock):
    __slots__ = ()

    def __init__(self, *args):
        super().__init__(*args)
        self.wants_step_begin = EVERY_STEP

    def on_step_begin(self, outer):
        raise ArithmeticError


@pytest.mark.parametrize(
    "module",
    [
        pytest.param("asyncio", id="asyncio"),
        pytest.param("wrapped", id="wrapped by other code"),
        pytest.param("uvloop", marks=needs_uvloop),
    ],
)
def test_an_error_of_ours_does_not_end_the_loop(module, monkeypatch, caplog):
    if module == "wrapped":
        monkeypatch.setattr(asyncio.Handle, "_run", partialmethod(asyncio.Handle._run))
        module = "asyncio"
    monkeypatch.setattr(steps, "_failed", set())
    loop = import_module(module).new_event_loop()

    async def serve():
        await asyncio.sleep(0.001)
        return "served"

    with closing(loop), watched(loop, Failing):
        assert loop.run_until_complete(serve()) == "served"
    assert [record.exc_info[0] for record in caplog.records] == [ArithmeticError]
