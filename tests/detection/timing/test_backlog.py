"""How long the requests of a backlog have waited: estimated from when they came in, without any real time."""

import pytest

from loopwatch.detection.timing.backlog import DESCRIBED, LONGEST_S, Backlog


def after_stall(lasted_s, *came_after_s):
    """The backlog of a stall that began at 0, with requests that came in so long after its end."""
    backlog = Backlog(0.0, lasted_s)
    for after_s in came_after_s:
        backlog.add(object, lasted_s + after_s)
    return backlog


WAITS = [
    pytest.param((2.0,), 0.0, id="nothing, if no request comes"),
    pytest.param((2.0, 0.0), 1.0, id="half of the stall, if it comes in at once"),
    pytest.param((2.0, 0.0, 0.0, 0.0), 3.0, id="half of the stall for each request"),
    pytest.param((2.0, 0.5), 1.25, id="until it comes in, from the middle of all that time"),
    pytest.param((2.0, 0.0, 1.0), 2.0, id="until it comes in, from the middle of the time until the latest one did"),
    pytest.param((2.0, 2.0), 2.0, id="at least for what has passed since the stall, if the loop is busy for as long"),
]


@pytest.mark.parametrize(("stall", "waited_s"), WAITS)
def test_a_request_that_was_kept_out_has_waited(stall, waited_s):
    assert after_stall(*stall).waited_s == waited_s


COUNTED = [
    pytest.param(1.0, 1.0, 1, id="as long after a stall as it lasted"),
    pytest.param(1.0, 1.25, 0, id="not later"),
    pytest.param(60.0, LONGEST_S, 1, id="for five seconds after a long stall"),
    pytest.param(60.0, LONGEST_S + 1, 0, id="not later than five seconds after a long stall"),
]


@pytest.mark.parametrize(("lasted_s", "came_after_s", "count"), COUNTED)
def test_a_request_is_counted(lasted_s, came_after_s, count):
    assert after_stall(lasted_s, came_after_s).count == count


def test_all_requests_are_counted_but_only_some_are_described():
    backlog = after_stall(1.0, *[0.0] * (DESCRIBED + 7))
    assert (backlog.count, len(backlog.asked)) == (DESCRIBED + 7, DESCRIBED)
