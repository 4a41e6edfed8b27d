"""When the lookout looks, and what it sends. It runs here in the main interpreter, over values."""

import contextlib
import json
import os
from dataclasses import dataclass, field

import pytest

from loopwatch.detection.lookout import looking
from loopwatch.detection.lookout.look import look_of
from loopwatch.detection.lookout.looking import LONG_REST_S, Looker, Orders, seen_of

LATE_S, WATCHDOG, LOOP = 0.008, 7, 8
FRAME = ("shop.py", "checkout", 12, 12, 4, 16)
OTHER = ("shop.py", "invoice", 30, 30, 4, 16)


@dataclass
class Lookout:
    """A looker with a clock of its own: it sees ``shows``, or raises that, while the watchdog is due since 0."""

    tells_after_s: float = 1000.0
    shows: object = (LOOP, (FRAME,), 44)
    standard_error: int = looking.NO_DESCRIPTOR
    folder: int = looking.NO_DESCRIPTOR
    sent: list = field(default_factory=list)
    looks: int = 0

    def __post_init__(self):
        orders = Orders(0, 0, LATE_S, self.tells_after_s, WATCHDOG, self.standard_error, self.folder)
        self.looker = Looker(orders, self._see, self.sent.append)

    def _see(self):
        self.looks += 1
        if isinstance(self.shows, Exception):
            raise self.shows
        return self.shows

    def look(self, at, *, due_at=0.0):
        return self.looker.pause_s(due_at, at)

    @property
    def seen(self):
        return [look_of(message) for message in self.sent]


def test_nothing_is_looked_at_while_the_watchdog_is_in_time():
    lookout = Lookout()
    assert lookout.look(0.005) == pytest.approx(LATE_S - 0.005)
    assert lookout.looks == 0


def test_a_watchdog_that_rests_is_asked_for_again_after_a_while():
    assert Lookout().look(1.0, due_at=float("inf")) == looking.REST_S


def test_a_watchdog_that_has_rested_for_long_is_asked_for_more_rarely():
    lookout = Lookout()
    lookout.look(1.0, due_at=float("inf"))
    assert lookout.look(3.0, due_at=float("inf")) == looking.LONG_REST_S
    assert lookout.look(3.1, due_at=3.2) < looking.LONG_REST_S
    assert lookout.look(3.2, due_at=float("inf")) == looking.REST_S


def test_a_watchdog_that_asks_for_the_gil_while_the_loops_rest_is_asked_as_rarely():
    lookout = Lookout()
    lookout.look(1.0, due_at=1.02)
    lookout.look(1.1, due_at=2.1)
    assert lookout.look(2.0, due_at=2.1) == pytest.approx(LONG_REST_S)
    assert lookout.look(2.1, due_at=3.1) == LONG_REST_S


def test_one_look_proves_nothing():
    lookout = Lookout()
    lookout.look(0.010)
    assert lookout.sent == []


def test_two_looks_alike_are_sent():
    lookout = Lookout()
    lookout.look(0.010)
    lookout.look(0.012)
    (look,) = lookout.seen
    assert (look.thread_id, look.first_at, look.last_at, look.opcode) == (LOOP, 0.010, 0.012, 44)
    assert look.frames == (FRAME,)


def test_looks_that_differ_are_not_sent():
    lookout = Lookout()
    for at, frame in ((0.010, FRAME), (0.012, OTHER), (0.014, FRAME)):
        lookout.shows = (LOOP, (frame,), 44)
        lookout.look(at)
    assert lookout.sent == []


def test_a_torn_look_is_counted_and_not_used():
    lookout = Lookout(shows=RuntimeError("Failed to parse frame object in chain"))
    lookout.look(0.010)
    lookout.shows = (LOOP, (FRAME,), 44)
    lookout.look(0.012)
    lookout.look(0.014)
    (look,) = lookout.seen
    assert (look.first_at, look.torn) == (0.012, 1)


def test_a_call_that_goes_on_is_sent_ever_more_rarely():
    lookout = Lookout()
    at = 0.010
    while at < 60:
        at += lookout.look(at)
    assert 10 < len(lookout.sent) < 60
    assert lookout.seen[-1].lasted_s > 40


def test_its_end_is_sent_when_something_else_follows():
    lookout = Lookout()
    for at in (0.010, 0.012, 0.030, 0.031):
        lookout.look(at)
    lookout.shows = (LOOP, (OTHER,), 44)
    lookout.look(0.032)
    assert lookout.seen[-1].last_at == 0.031


def test_its_end_is_sent_when_the_watchdog_is_back():
    lookout = Lookout()
    for at in (0.010, 0.012, 0.030, 0.031):
        lookout.look(at)
    lookout.look(0.032, due_at=0.032)
    assert lookout.seen[-1].last_at == 0.031


def test_the_watchdogs_own_work_is_not_sent():
    lookout = Lookout(shows=(WATCHDOG, (FRAME,), 44))
    lookout.look(0.010)
    lookout.look(0.012)
    assert lookout.sent == []


def kept_since(lookout, at, *, due_at=0.0):
    return lookout.looker.kept_since(due_at, at)


@pytest.mark.parametrize(
    "shows",
    [
        pytest.param((LOOP, (FRAME,), 44), id="a call"),
        pytest.param(RuntimeError("Too many stack frames"), id="what cannot be read"),
    ],
)
def test_the_gil_is_kept_since_the_watchdog_has_waited_for_it(shows):
    lookout = Lookout(shows=shows)
    for at in (0.010, 0.012, 20.0):
        lookout.look(at)
    assert kept_since(lookout, 20.5) == 0.0


@pytest.mark.parametrize(
    ("shows", "later"),
    [
        pytest.param((LOOP, (OTHER,), 44), 20.0, id="another place"),
        pytest.param((WATCHDOG, (FRAME,), 44), float("inf"), id="the watchdog"),
        pytest.param(None, float("inf"), id="no thread"),
    ],
)
def test_the_gil_is_not_kept_while_looks_show_that_something_moves(shows, later):
    lookout = Lookout()
    lookout.look(0.010)
    lookout.shows = shows
    lookout.look(20.0)
    assert kept_since(lookout, 20.001) == float("inf")
    assert kept_since(lookout, 30.0) == later


def test_whether_the_gil_is_kept_is_said_after_a_look_that_is_recent():
    lookout = Lookout()
    lookout.look(0.010)
    lookout.shows = None
    assert kept_since(lookout, 0.020) == 0.0
    assert kept_since(lookout, 0.050) == float("inf")
    assert lookout.looks == 2


def test_the_gil_is_not_kept_while_the_watchdog_is_in_time():
    lookout = Lookout()
    assert kept_since(lookout, 1.0, due_at=float("inf")) == float("inf")
    assert kept_since(lookout, 1.0, due_at=1.0) == float("inf")


def test_a_watchdog_that_has_had_the_gil_meanwhile_waits_for_it_again():
    lookout = Lookout()
    lookout.look(20.0)
    assert kept_since(lookout, 21.0, due_at=20.5) == 20.5


def test_a_stack_too_large_for_the_channel_is_left_out():
    lookout = Lookout(shows=(LOOP, tuple(("x" * 1000, "f", line, line, 0, 1) for line in range(100)), 44))
    lookout.look(0.010)
    lookout.look(0.012)
    assert lookout.sent == []


def test_a_thread_that_keeps_the_gil_for_long_is_told_once_and_again_when_it_has_doubled(capfd):
    lookout = Lookout(tells_after_s=5.0, shows=(LOOP, (FRAME, OTHER), 44), standard_error=2)
    for at in (1.0, 2.0, 7.0, 9.0, 11.5, 14.0):
        lookout.look(at)
    lines = capfd.readouterr().err.splitlines()
    assert lines == [
        f"loopwatch: thread {LOOP} has kept the GIL for {lasted} s, so no other thread runs: "
        "shop.py:12 in checkout, called from shop.py:30 in invoice"
        for lasted in (6, 13)
    ]


def test_a_name_cannot_break_the_line(capfd):
    lookout = Lookout(tells_after_s=0.0, shows=(LOOP, (("a\nb\x1b", "ümlaut", 1, 1, 0, 1),), 44), standard_error=2)
    lookout.look(0.010)
    lookout.look(0.012)
    assert capfd.readouterr().err.endswith(": a?b?:1 in \\xfcmlaut\n")


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


def test_a_line_is_written_where_it_can_be_read(pipe):
    reader, writer = pipe
    looking.write_if_read(writer, b"a line\n")
    assert os.read(reader, 100) == b"a line\n"


def test_a_line_does_not_wait_until_a_full_pipe_is_read(pipe):
    _, writer = pipe
    os.set_blocking(writer, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    looking.write_if_read(writer, b"a line\n")


@pytest.mark.parametrize("end", [0, 1], ids=["reader", "descriptor"])
def test_a_line_is_dropped_after_the_close_of_its(pipe, end):
    os.close(pipe[end])
    looking.write_if_read(pipe[1], b"a line\n")


@dataclass
class ThreadInfo:
    frame_info: list
    thread_id: int = LOOP
    status: int = looking.HAS_GIL


@dataclass
class FrameInfo:
    funcname: str = "checkout"
    location: tuple | None = (12, 12, 4, 16)
    opcode: int = 44
    filename: str = "shop.py"


def test_the_thread_that_has_the_gil_is_seen():
    outer = FrameInfo("handle", opcode=53)
    seen = seen_of([ThreadInfo([FrameInfo(), outer])])
    assert seen == (LOOP, (FRAME, ("shop.py", "handle", 12, 12, 4, 16)), 44)


@pytest.mark.parametrize(
    "threads",
    [
        pytest.param([], id="no thread"),
        pytest.param([ThreadInfo([FrameInfo()], status=0)], id="another thread"),
        pytest.param([ThreadInfo([])], id="no frame"),
        pytest.param([ThreadInfo([FrameInfo(location=None), FrameInfo()])], id="a frame without a place"),
    ],
)
def test_what_cannot_be_used_is_not_seen(threads):
    assert seen_of(threads) is None


def test_of_a_deep_recursion_the_innermost_frames_are_seen():
    _, frames, _ = seen_of([ThreadInfo([FrameInfo(), *[FrameInfo("handle")] * 1000])])
    assert frames[0] == FRAME
    assert len(frames) == looking.MAX_FRAMES


def test_a_channel_that_is_full_drops_the_message():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    message = json.dumps(["x" * 1000]).encode()
    for _ in range(1000):
        looking.send(writer, message)
    os.close(reader)
    os.close(writer)


class Unwinder:
    def __init__(self, lineno):
        self.lineno = lineno

    def get_stack_trace(self):
        code = looking.check.__code__
        frame = FrameInfo(code.co_qualname, LocationInfo(self.lineno), filename=code.co_filename)
        return [Interpreter([ThreadInfo([frame])])]


@dataclass
class LocationInfo:
    lineno: int


@dataclass
class Interpreter:
    threads: list
    interpreter_id: int = 1


def test_a_known_stack_that_is_read_rightly_passes():
    looking.check(Unwinder(looking.check.__code__.co_firstlineno + 5))


def test_a_known_stack_that_is_read_wrongly_is_refused():
    with pytest.raises(RuntimeError, match="known stack"):
        looking.check(Unwinder(1))
