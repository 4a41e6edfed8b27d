"""The messages of one page: they are bounded, and what is left out is counted."""

from loopwatch.live.batch import SECONDS_LIMIT, LiveBatch
from loopwatch.live.outbox import LINES_PER_MESSAGE, PROCESSES_LIMIT, SECONDS_PER_MESSAGE, Outbox
from tests.live.lines import line


def batch(seen, count, *lines, process="web-1 7", blocked=None):
    return LiveBatch(process, seen, count, lines, blocked or {1: 50.0})


def test_an_outbox_is_empty_before_adding_and_after_taking():
    outbox = Outbox()
    assert not outbox
    outbox.add(batch(1, 1, line()))
    assert outbox
    assert len(outbox.take()["lines"]) == 1
    assert not outbox
    assert outbox.take() == {"lines": [], "left_out": 0, "blocked": {}}


def test_a_line_without_new_blocked_time_is_sent():
    outbox = Outbox()
    outbox.add(LiveBatch("web-1 7", 1, 0, (line(0),), {}))
    assert outbox


def test_stalls_without_a_line_are_counted_as_left_out():
    outbox = Outbox()
    outbox.add(batch(12, 12, line(3), line(2)))
    assert outbox.take()["left_out"] == 7


def test_lines_that_do_not_fit_are_counted_as_left_out():
    outbox = Outbox()
    for number in range(1, LINES_PER_MESSAGE + 11):
        outbox.add(batch(3 * number, 3, line(3)))
    taken = outbox.take()
    assert len(taken["lines"]) == LINES_PER_MESSAGE
    assert taken["left_out"] == 30


def test_stalls_of_lost_batches_are_counted_as_left_out():
    outbox = Outbox()
    outbox.add(batch(100, 1, line()))  # what was before the page was opened is not
    outbox.add(batch(108, 2, line(), line()))
    assert outbox.take()["left_out"] == 6


def test_seconds_add_up_by_process():
    outbox = Outbox()
    outbox.add(batch(1, 1, line(), blocked={1: 50.0, 2: 5.0}))
    outbox.add(batch(2, 1, line(), blocked={2: 7.0}))
    outbox.add(batch(1, 1, line(), process="web-2 8", blocked={2: 1.0}))
    assert outbox.take()["blocked"] == {"web-1 7": [(1, 50.0), (2, 12.0)], "web-2 8": [(2, 1.0)]}


def test_processes_that_come_and_go_are_forgotten():
    outbox = Outbox()
    for number in range(10 * PROCESSES_LIMIT):
        outbox.add(batch(1, 1, line(), process=f"web-1 {number}"))
    assert len(outbox._seen) == PROCESSES_LIMIT


def test_one_message_has_a_limited_number_of_processes():
    outbox = Outbox()
    for number in range(2 * PROCESSES_LIMIT):
        outbox.add(batch(1, 1, line(), process=f"web-1 {number}"))
    taken = outbox.take()
    assert len(taken["blocked"]) == PROCESSES_LIMIT
    assert len(taken["lines"]) + taken["left_out"] == 2 * PROCESSES_LIMIT


def test_one_message_has_a_limited_number_of_seconds():
    outbox = Outbox()
    for number in range(10):
        seconds = {number * SECONDS_LIMIT + second: 1.0 for second in range(SECONDS_LIMIT)}
        outbox.add(batch(number + 1, 1, line(), blocked=seconds))
    outbox.add(batch(11, 1, line(), blocked={0: 7.0}))
    (seconds,) = outbox.take()["blocked"].values()
    assert len(seconds) == SECONDS_PER_MESSAGE
    assert seconds[0] == (0, 8.0)
