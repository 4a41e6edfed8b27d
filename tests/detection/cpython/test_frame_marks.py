"""Marks on frames: two calls of a function differ, and only frames that end with their step are marked."""

import sys
import threading
from contextlib import contextmanager, suppress

import pytest

from loopwatch.detection.cpython.frame_marks import FrameMark, is_traced, mark_frames, number_of
from loopwatch.detection.cpython.frames import stack_of

WITHIN_S = 60


class Step:
    """A step on its own thread, which stands still wherever it calls ``pause``, until ``go_on`` is called."""

    def __init__(self, body):
        self._is_standing, self._may_go_on = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=[body])

    def _run(self, body):
        run_step(body, self.pause)
        self._is_standing.release()

    def pause(self):
        self._is_standing.release()
        assert self._may_go_on.acquire(timeout=WITHIN_S)

    def wait(self):
        assert self._is_standing.acquire(timeout=WITHIN_S)

    def go_on(self):
        self._may_go_on.release()
        self.wait()

    def marks(self, runner):
        """Mark the frames, and return the marks by the name of their function."""
        mark_frames(self._thread.ident, {id(runner.__code__)})
        return {each.code.co_name: number_of(each.trace) for each in stack_of(self._thread.ident, "").standing}

    @contextmanager
    def running(self):
        self._thread.start()
        self.wait()
        yield self
        while self._thread.is_alive():
            self._may_go_on.release()
            self._thread.join(0.01)


def run_step(body, pause):
    body(pause)


def never_called():
    pass


def fetch(pause):
    pause()


def fetches_twice(pause):
    fetch(pause)
    fetch(pause)


def test_two_calls_of_a_function_have_different_marks():
    with Step(fetches_twice).running() as step:
        first = step.marks(run_step)
        step.go_on()
        second = step.marks(run_step)
    assert first["fetch"] != second["fetch"]
    assert first["fetches_twice"] == second["fetches_twice"] is not None


def test_a_call_keeps_its_mark():
    with Step(fetch).running() as step:
        assert step.marks(run_step)["fetch"] == step.marks(run_step)["fetch"] is not None


async def awaits(pause):
    fetch(pause)


def drives_a_coroutine(pause):
    with suppress(StopIteration):
        awaits(pause).send(None)


def iterates(pause):
    list(fetch(pause) for _ in range(1))  # noqa: C400


@pytest.mark.parametrize(("body", "name"), [(drives_a_coroutine, "awaits"), (iterates, "<genexpr>")])
def test_a_frame_that_may_outlive_the_step_is_not_marked(body, name):
    with Step(body).running() as step:
        marks = step.marks(run_step)
    assert marks[name] is None
    assert marks["fetch"] is not None


def test_a_frame_outside_of_the_step_is_not_marked():
    with Step(fetch).running() as step:
        marks = step.marks(run_step)
    assert (marks["run_step"], marks["_run"]) == (None, None)


def test_nothing_is_marked_between_steps():
    with Step(fetch).running() as step:
        assert set(step.marks(never_called).values()) == {None}


def test_the_trace_function_of_a_debugger_stays():
    events = []

    def traces(pause):
        sys.settrace(lambda *_: lambda _frame, event, _argument: events.append(event))
        fetch(pause)
        sys.settrace(None)

    with Step(traces).running() as step:
        assert step.marks(run_step)["fetch"] is None
    assert "return" in events


def test_a_debugger_that_comes_later_is_not_disturbed():
    seen = []

    def traces_later(pause):
        pause()
        sys.settrace(lambda frame, event, _argument: seen.append((frame.f_code.co_name, event)))
        never_called()
        sys.settrace(None)

    with Step(traces_later).running() as step:
        assert step.marks(run_step)["traces_later"] is not None
    assert seen == [("never_called", "call")]


def test_a_mark_is_no_trace_function():
    frame = sys._getframe()
    frame.f_trace = FrameMark()
    assert not is_traced(frame)
    frame.f_trace = lambda *_: None
    assert is_traced(frame)
