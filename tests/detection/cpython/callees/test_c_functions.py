"""C functions of other kinds: methods that are inherited, functions that call back, iterators, context managers."""

import math
import os
import queue
import sqlite3
import sys
import threading
import time
from contextlib import ExitStack, closing
from select import select as wait_until_ready

import pytest

from loopwatch.detection.cpython.callees import callee_at
from loopwatch.detection.cpython.instructions import instructions_of
from loopwatch.detection.cpython.opcodes import Role
from tests.detection.cpython.callees.waiting import callee_when_it_waits, frame_that_waits, lock, seen
from tests.support.waiting import WITHIN_S


class Jobs(queue.SimpleQueue):
    def get_next(self):
        super().get()

    def get_next_in_the_old_way(self):
        super(Jobs, self).get()  # noqa: UP008


class MoreJobs(Jobs):
    """Inherits what it does."""


@pytest.mark.parametrize("jobs", [Jobs(), MoreJobs()], ids=["inherited", "inherited twice"])
def test_a_method_of_super_is_resolved(jobs):
    callee = _seen_without_jobs(jobs, jobs.get_next)
    assert callee.name == "queue.SimpleQueue.get"
    assert callee.is_resolved


def test_super_with_arguments_is_named_correctly_or_not_at_all():
    jobs = Jobs()
    callee = _seen_without_jobs(jobs, jobs.get_next_in_the_old_way)
    assert not callee.is_resolved or callee.name == "queue.SimpleQueue.get"


def _seen_without_jobs(jobs, function):
    thread = threading.Thread(target=function)
    thread.start()
    try:
        return callee_when_it_waits(thread)
    finally:
        jobs.put(None)
        thread.join()


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda: "".join(iter(lambda: lock.acquire() and "", "")), "threading.Lock.acquire"),
        (lambda: list(map(lock.acquire, [True])), "list"),
        (lambda: sorted([True], key=lock.acquire), "sorted"),
    ],
    ids=["what a C function calls back", "a C function over an iterator", "a C function with a key"],
)
def test_a_c_function_that_calls_another(function, name):
    callee = seen(function)
    assert callee.name == name
    assert callee.is_resolved


def waits_for_input(pipe):
    wait_until_ready([pipe], [], [])


def waits_for_lines(pipe):
    for _line in pipe:
        pass


@pytest.mark.parametrize(
    ("function", "name"),
    [(waits_for_input, "select.select"), (waits_for_lines, "io.TextIOWrapper.__next__")],
    ids=["a function imported under another name", "an iterator"],
)
def test_a_pipe_that_is_waited_for(function, name):
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as pipe, ExitStack() as stack:
        thread = threading.Thread(target=function, args=[pipe])
        thread.start()
        stack.callback(thread.join)
        stack.callback(os.close, write_end)
        callee = callee_when_it_waits(thread)
    assert callee.name == name
    assert callee.is_resolved


def commit(writer):
    with writer:
        writer.execute("INSERT INTO book VALUES ('x')")


def commit_and_return(writer):
    with writer:
        return writer.execute("INSERT INTO book VALUES ('x')")


@pytest.mark.parametrize("function", [commit, commit_and_return], ids=lambda function: function.__name__)
def test_leaving_a_context_manager(function, tmp_path):
    """A transaction that is committed has to wait for whoever reads."""
    with closing(_shelf(tmp_path)) as reader, closing(_shelf(tmp_path)) as writer:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM book").fetchall()
        thread = threading.Thread(target=function, args=[writer])
        thread.start()
        callee = callee_when_it_waits(thread)
        reader.rollback()
        thread.join()
    assert callee.name == "sqlite3.Connection.__exit__"
    assert callee.is_resolved


def _shelf(folder):
    connection = sqlite3.connect(folder / "books.sqlite3", timeout=WITHIN_S, check_same_thread=False)
    connection.execute("CREATE TABLE IF NOT EXISTS book (title)")
    return connection


gate = threading.Lock()


@pytest.fixture
def waits_at_the_gate():
    """Run a function in a thread until it waits for the lock ``gate``; return the frame in which it does."""
    with ExitStack() as stack:

        def run(function, *arguments):
            thread = threading.Thread(target=function, args=arguments)
            gate.acquire()
            thread.start()
            stack.callback(gate.release)
            stack.callback(thread.join)
            stack.callback(gate.release)
            return frame_that_waits(thread)

        yield run


def at_the_gate():
    yield gate.acquire()


def loops_over_a_generator():
    for _ in at_the_gate():
        pass


def loops_over_a_variable():
    found = at_the_gate()
    for _ in found:
        pass


def loops_over_a_generator_expression():
    for _ in (gate.acquire() for _ in range(1)):
        pass


@pytest.mark.parametrize(
    ("function", "name"),
    [(loops_over_a_generator, None), (loops_over_a_variable, None), (loops_over_a_generator_expression, "")],
    ids=["called", "from a variable", "an expression"],
)
def test_a_generator_is_no_c_function(waits_at_the_gate, function, name):
    (loop,) = (each.offset for each in instructions_of(function.__code__) if each.name == "FOR_ITER")
    frame = waits_at_the_gate(function).f_back
    assert frame.f_code is function.__code__
    callee = callee_at(frame, loop)
    assert (callee and callee.name) == name


def leaves_a_lock(lock):
    with lock:
        gate.acquire()


@pytest.mark.parametrize("lock", [threading.Lock(), threading.RLock()], ids=["Lock", "RLock"])
def test_leaving_a_lock_never_takes_long(waits_at_the_gate, lock):
    calls = [each for each in instructions_of(leaves_a_lock.__code__) if each.role in (Role.CALL, Role.FAILS_WITH)]
    frame = waits_at_the_gate(leaves_a_lock, lock)
    names = [callee.name for callee in (callee_at(frame, each.offset) for each in calls) if callee is not None]
    assert "threading.Lock.acquire" in names
    assert not any(name.endswith("__exit__") for name in names)


until = math.inf


def reads_a_clock():
    while time.perf_counter() < until:
        pass


def test_a_function_that_is_always_quick_is_not_said_to_be_called(monkeypatch):
    offsets = {each.offset for each in instructions_of(reads_a_clock.__code__)}
    thread = threading.Thread(target=reads_a_clock)
    thread.start()
    try:
        while (frame := sys._current_frames()[thread.ident]).f_code is not reads_a_clock.__code__:
            pass
        assert {callee_at(frame, offset) for offset in offsets} == {None}
    finally:
        monkeypatch.setattr(sys.modules[__name__], "until", 0.0)
        thread.join()
