"""The lookout is told where to answer probes, and with which figures."""

import socket

import pytest

from loopwatch.sign_of_life.liveness import Liveness
from loopwatch.sign_of_life.substitute import Substitute

LIVENESS = Liveness(worst_pause_ms=1500.0, loops=2)


class Lookout:
    """Notes what it is told."""

    def __init__(self, *, is_wanted=True):
        self.is_wanted = is_wanted
        self.told = []

    def answer_probes(self, listener, blocked_after_s):
        self.told.append((listener, blocked_after_s))

    def note_pauses(self, loops, worst_s):
        self.told.append((loops, worst_s))


@pytest.fixture
def listener():
    with socket.socket() as listener:
        yield listener


def told(substitute, listener):
    return substitute.tell(listener, lambda: LIVENESS)


def test_the_listener_is_passed_on_once_and_the_figures_each_time(listener):
    lookout = Lookout()
    substitute = Substitute(lambda: lookout, 10.0)
    assert told(substitute, listener)
    assert told(substitute, listener)
    assert lookout.told == [(listener, 10.0), (2, 1.5), (2, 1.5)]


def test_another_lookout_gets_the_listener_too(listener):
    lookouts = [Lookout(), Lookout()]
    substitute = Substitute(lambda: lookouts[-1], 10.0)
    told(substitute, listener)
    last = lookouts.pop()
    told(substitute, listener)
    assert lookouts[0].told == last.told


def test_a_listener_that_is_closed_is_taken_back_at_the_end(listener):
    lookout = Lookout()
    substitute = Substitute(lambda: lookout, 10.0)
    told(substitute, listener)
    substitute.end()
    assert lookout.told[-1] == (None, 10.0)


def test_a_process_that_does_not_listen_needs_no_lookout():
    assert not told(Substitute(Lookout, 10.0), None)


def test_a_lookout_that_is_not_in_use_need_not_be_told_again(listener):
    assert not told(Substitute(lambda: Lookout(is_wanted=False), 10.0), listener)


def test_without_a_lookout_nobody_is_told(listener):
    substitute = Substitute(lambda: None, 10.0)
    assert not told(substitute, listener)
    substitute.end()
