"""Reports are held back until it is known how many requests their stalls kept out, and share those requests."""

import pytest

from loopwatch.detection.calls import Request
from loopwatch.detection.sampling.failures import Failures
from loopwatch.detection.timing.backlog import Backlog
from loopwatch.detection.verdict.held_reports import HeldReports, shared
from tests.detection import shop
from tests.detection.builders import path, reported, site, stall

SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
PAGE = Request("http", "GET", "page/")


class Subscriber:
    def __init__(self):
        self.calls = []

    def receive(self, call):
        self.calls.append(call)


def backlog_with(count, describe=lambda: PAGE):
    """The backlog of a stall of one second, after which that many requests came in at once."""
    backlog = Backlog(0.0, 1.0)
    for _ in range(count):
        backlog.add(describe, 1.0)
    return backlog


SHARES = [
    pytest.param(10, [100.0], [(10, 1000.0)], id="all with one stall"),
    pytest.param(10, [100.0, 100.0], [(5, 500.0), (5, 500.0)], id="half each with two alike"),
    pytest.param(10, [300.0, 100.0], [(8, 750.0), (2, 250.0)], id="by length with two stalls"),
    pytest.param(1, [300.0, 100.0, 100.0], [(1, 600.0), (0, 200.0), (0, 200.0)], id="one request with the longest"),
    pytest.param(0, [300.0, 100.0], [(0, 750.0), (0, 250.0)], id="no request"),
]


@pytest.mark.parametrize(("count", "lengths_ms", "shares"), SHARES)
def test_stalls_in_a_row_share(count, lengths_ms, shares):
    assert [(each.count, each.waited_ms) for each in shared(count, 1000.0, lengths_ms)] == shares


@pytest.mark.parametrize("count", range(20))
def test_each_request_is_given_to_one_stall(count):
    lengths_ms = [50.0, 61.0, 2000.0, 50.0, 77.0]
    assert sum(each.count for each in shared(count, 1.0, lengths_ms)) == count


def test_a_report_is_given_out_when_its_backlog_is_closed_with_what_that_has_counted():
    held, subscriber, backlog = HeldReports(Failures()), Subscriber(), backlog_with(4)
    held.hold(backlog, subscriber, reported(path([SLEEPS]), of=stall(1.0)))
    assert (bool(held), subscriber.calls) == (True, [])
    held.release(backlog)
    (call,) = subscriber.calls
    assert (call.kept_out.count, call.kept_out.waited_ms, set(call.kept_out.described)) == (4, 2000.0, {PAGE})
    assert not held


def test_a_report_stays_when_the_backlog_of_another_loop_is_closed():
    held, subscriber, backlog = HeldReports(Failures()), Subscriber(), backlog_with(4)
    held.hold(backlog, subscriber, reported(path([SLEEPS]), of=stall(1.0)))
    held.release(backlog_with(9))
    assert subscriber.calls == []


def test_every_report_can_be_given_out_at_once():
    held, subscriber = HeldReports(Failures()), Subscriber()
    for count in (1, 2):
        held.hold(backlog_with(count), subscriber, reported(path([SLEEPS]), of=stall(1.0)))
    held.release()
    assert [call.kept_out.count for call in subscriber.calls] == [1, 2]


def test_a_request_that_cannot_be_described_is_counted_all_the_same():
    held, subscriber, backlog = HeldReports(Failures()), Subscriber(), backlog_with(3, describe=lambda: 1 / 0)
    held.hold(backlog, subscriber, reported(path([SLEEPS]), of=stall(1.0)))
    held.release(backlog)
    assert (subscriber.calls[0].kept_out.count, subscriber.calls[0].kept_out.described) == (3, ())
