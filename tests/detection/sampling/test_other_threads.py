"""The stacks of the other threads show what they run, and none of loopwatch's own."""

import linecache
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FunctionType

import pytest

from loopwatch.detection.sampling import other_threads as module
from loopwatch.detection.sampling.other_threads import is_own, other_threads
from tests.support.waiting import wait_until

OUTSIDE = -1


def wait_for(gate, depth=0):
    if depth:
        wait_for(gate, depth - 1)
        return
    gate.acquire()
    gate.release()


@contextmanager
def waiting(count, depth=0, target=wait_for):
    """Some threads that wait, and their ids."""
    gate = threading.Lock()
    gate.acquire()
    threads = [threading.Thread(target=target, args=(gate, depth)) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
        wait_until(lambda: all(_is_at(thread, "gate.acquire()") for thread in threads))
        yield [thread.ident for thread in threads]
    finally:
        gate.release()
        for thread in threads:
            thread.join()


def _is_at(thread, line):
    """Whether a thread runs this line, which makes one call: the call is under way if another thread can look."""
    frame = sys._current_frames()[thread.ident]
    return linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip() == line


def found(loop_thread_id=OUTSIDE):
    """The stacks in which ``wait_for`` runs, each with the number of its threads."""
    code = wait_for.__code__
    stacks = other_threads(loop_thread_id)
    return [(sites, count) for sites, count in stacks if any(site.code is code for site in sites)]


def test_what_another_thread_runs_is_found_innermost_first():
    with waiting(1):
        ((sites, count),) = found()
    names = [site.code.co_name for site in sites]
    assert count == 1
    assert names.index("wait_for") < names.index("run")
    assert sites[names.index("wait_for")].module == __name__


class Unprintable:
    def __str__(self):
        raise SystemExit


def test_the_name_of_a_module_is_no_reason_to_run_code_of_the_site():
    odd = FunctionType(wait_for.__code__, {**globals(), "__name__": Unprintable()}, argdefs=(0,))
    with waiting(1, target=odd):
        ((sites, _),) = found()
    assert "" in {site.module for site in sites if site.code is wait_for.__code__}


def test_threads_alike_are_counted():
    with waiting(3):
        ((_, count),) = found()
    assert count == 3


def test_the_thread_of_the_loop_is_left_out():
    with waiting(1) as (thread_id,):
        assert found(loop_thread_id=thread_id) == []


def test_the_calling_thread_is_left_out():
    here = sys._getframe().f_code
    assert not any(site.code is here for sites, _ in other_threads(OUTSIDE) for site in sites)


def test_a_worker_of_an_executor_that_has_nothing_to_do_is_left_out():
    with ThreadPoolExecutor(1) as executor:
        executor.submit(int).result()
        (worker,) = executor._threads
        wait_until(lambda: _is_at(worker, "work_item = work_queue.get(block=True)"))
        assert "_worker" not in {sites[0].code.co_name for sites, _ in other_threads(OUTSIDE)}


@pytest.mark.parametrize(
    ("modules", "own"),
    [
        (["threading", "threading", "loopwatch.detection.sampling.watchdog"], True),
        (["threading", "concurrent.futures.thread", "loopwatch.thread_waits.thread_queue", "shop.views"], False),
        (["threading", "shop.loopwatch"], False),
        ([], False),
    ],
)
def test_a_thread_is_loopwatchs_own_if_it_began_there(modules, own):
    assert is_own(modules) is own


def test_the_innermost_frames_of_a_deep_stack_are_kept():
    with waiting(1, depth=module.MOST_FRAMES):
        ((sites, _),) = found()
    assert len(sites) == module.MOST_FRAMES
    assert {site.code for site in sites} == {wait_for.__code__}
    assert sites[0].offset != sites[1].offset == sites[-1].offset


def test_the_number_of_stacks_is_limited(monkeypatch):
    monkeypatch.setattr(module, "MOST_STACKS", 1)
    with waiting(5), waiting(1, depth=1):
        ((sites, count),) = other_threads(OUTSIDE)
    assert count == 5
    assert sum(site.code is wait_for.__code__ for site in sites) == 1


def test_the_number_of_threads_looked_at_is_limited(monkeypatch):
    monkeypatch.setattr(module, "MOST_LOOKED_AT", 0)
    with waiting(1):
        assert found() == []


def test_nothing_is_read_where_the_gil_is_off(monkeypatch):
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    with waiting(1):
        assert other_threads(OUTSIDE) == ()
