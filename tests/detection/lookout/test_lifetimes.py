"""No lookout runs while a process forks, and none begins afterwards."""

import os
import threading

import pytest

from loopwatch.detection.lookout import lifetimes


class Endless:
    """A lookout that notes why it was ended."""

    why = ""
    is_over = False

    def stop(self, why):
        self.why = why
        lifetimes.end(self)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(lifetimes, "_lifetimes", lifetimes._Lifetimes())


@pytest.fixture
def lookout():
    lookout = Endless()
    assert lifetimes.begin(lookout, threading.Thread())
    return lookout


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_ends_every_lookout_first(lookout):
    child = os.fork()
    if child == 0:
        os._exit(0 if lookout.why else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert lookout.why == lifetimes.HAS_FORKED


def test_none_begins_in_a_process_that_has_forked(lookout):
    lifetimes._before_fork()
    thread = threading.Thread()
    assert not lifetimes.begin(Endless(), thread)
    assert not thread.ident


def test_one_may_begin_in_the_child():
    lifetimes._before_fork()
    lifetimes._after_fork_in_child()
    assert lifetimes.begin(Endless(), threading.Thread())


def test_one_that_has_ended_is_not_ended_again(lookout):
    lookout.stop("ended")
    lifetimes._before_fork()
    assert lookout.why == "ended"


def test_one_whose_thread_cannot_start_is_not_ended():
    lookout, thread = Endless(), threading.Thread()
    thread.start = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        lifetimes.begin(lookout, thread)
    lifetimes._before_fork()
    assert lookout.why == ""
