"""What the thread was doing between two samples, by the CPU clocks and by how the watchdog got the GIL."""

import pytest

from loopwatch.detection.calls import Cause
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.verdict.thread_states import (
    delayed_shares,
    is_starved,
    is_suspended,
    run_delay_s,
    run_delay_unseen_s,
    states_of,
)
from tests.detection import shop
from tests.detection.builders import Delayed, reading, sample, site

PLACES = {"A": site(shop.price), "B": site(shop.add_up)}
LETTERS = {
    Cause.COMPUTING: "C",
    Cause.WAITING: "W",
    Cause.STARVED: "S",
    Cause.SUSPENDED: "-",
}


def seen(thread=0.0, others=0.0, gil=GilWait.NONE, *, late_s=0.0, delayed_s=0.0):
    """A sample taken a second after the step began. The thread and all others used so much CPU time since."""
    return sample(1.0, reading(1.0, thread, others), [PLACES["A"]], gil, due_at=1.0 - late_s, delayed_s=delayed_s)


def state_of(one, before=None, started=0.0):
    (state,) = states_of([one], started, reading(0.0) if before is None else before)
    return state


@pytest.mark.parametrize(
    ("before", "one"),
    [
        pytest.param(reading(0.0, None), lambda gil: seen(0.75, gil=gil), id="was not known before"),
        pytest.param(reading(0.0), lambda gil: seen(None, gil=gil), id="is not known"),
        pytest.param(reading(0.0), lambda gil: seen(0.0, gil=gil, delayed_s=1.0), id="had no time to run"),
        pytest.param(reading(0.0), lambda gil: seen(0.0, gil=gil, delayed_s=1.5), id="says that it had less than none"),
    ],
)
@pytest.mark.parametrize(
    ("gil", "state"),
    [
        pytest.param(GilWait.NONE, Cause.WAITING, id="waiting, if the GIL was free"),
        pytest.param(GilWait.INTERVAL, Cause.COMPUTING, id="computing, if it was handed over in time"),
        pytest.param(GilWait.SHARED, Cause.COMPUTING, id="computing, if others had it too"),
    ],
)
def test_a_thread_whose_cpu_clock_says_nothing_is(before, one, gil, state):
    assert state_of(one(gil), before) is state


FREE = [
    pytest.param(seen(0.75), Cause.COMPUTING, id="computing, if it ran"),
    pytest.param(seen(0.5), Cause.COMPUTING, id="computing, if it ran for half of the time"),
    pytest.param(seen(0.375), Cause.COMPUTING, id="computing, if it ran for more than a third: others had its CPU"),
    pytest.param(seen(0.3125), Cause.WAITING, id="waiting, if it ran for less than a third"),
    pytest.param(seen(0.0), Cause.WAITING, id="waiting, if it did not run"),
    pytest.param(seen(0.0, others=1.0), Cause.WAITING, id="waiting, even if the others ran"),
    pytest.param(seen(0.1875, delayed_s=0.625), Cause.COMPUTING, id="computing, if it ran when it had a CPU"),
    pytest.param(seen(0.125, delayed_s=0.625), Cause.WAITING, id="waiting, if it did not run when it had a CPU"),
]


@pytest.mark.parametrize(("one", "state"), FREE)
def test_a_thread_that_left_the_gil_free_was(one, state):
    assert state_of(one) is state


KEPT = [
    pytest.param((0.75, 0.75), GilWait.LONG, Cause.COMPUTING, id="computing, if it ran, even if the others did"),
    pytest.param((0.5, 0.5), GilWait.LONG, Cause.COMPUTING, id="computing, if it ran for half of the time"),
    pytest.param((0.25, 0.5), GilWait.LONG, Cause.STARVED, id="starved, if the others ran for half of the time"),
    pytest.param((0.25, 0.375), GilWait.LONG, Cause.COMPUTING, id="computing, if it ran, and the others for less"),
    pytest.param((0.125, 0.25), GilWait.LONG, Cause.STARVED, id="starved, if it hardly ran, and the others did"),
    pytest.param((0.125, 0.125), GilWait.LONG, Cause.WAITING, id="waiting, if no thread ran"),
    pytest.param(
        (0.125, 0.125), GilWait.CONTESTED, Cause.WAITING, id="waiting, if no thread ran and others may have had it"
    ),
    pytest.param((0.125, 0.125), GilWait.SHARED, Cause.STARVED, id="starved, if no thread ran and others had it too"),
    pytest.param((0.25, 0.125), GilWait.SHARED, Cause.COMPUTING, id="computing, if it ran and others had it too"),
    pytest.param((0.25, 0.0), GilWait.INTERVAL, Cause.COMPUTING, id="computing, if it ran for a quarter of the time"),
    pytest.param((0.25, 0.5), GilWait.SEEN, Cause.COMPUTING, id="computing, if it was seen to keep it and ran"),
    pytest.param((0.125, 0.5), GilWait.SEEN, Cause.WAITING, id="waiting, if it was seen to keep it and hardly ran"),
]


@pytest.mark.parametrize(("used", "gil", "state"), KEPT)
def test_a_thread_was_while_somebody_kept_the_gil(used, gil, state):
    assert state_of(seen(*used, gil)) is state


def test_a_thread_was_starved_if_the_others_ran_whenever_there_was_a_cpu():
    assert state_of(seen(0.0, 0.25, GilWait.LONG, delayed_s=0.5)) is Cause.STARVED


SUSPENDED = [
    pytest.param(
        seen(0.125, late_s=0.0625), Cause.SUSPENDED, id="suspended, if no thread ran and the watchdog was late"
    ),
    pytest.param(seen(0.125, late_s=0.03125), Cause.WAITING, id="not if it was on time"),
    pytest.param(seen(0.0, late_s=0.0625, delayed_s=0.03125), Cause.WAITING, id="not if other processes had the CPUs"),
    pytest.param(seen(0.0, late_s=0.125, delayed_s=0.03125), Cause.SUSPENDED, id="if that does not explain it"),
    pytest.param(seen(0.25, late_s=0.0625), Cause.WAITING, id="not if the thread ran"),
    pytest.param(seen(0.0, 0.25, late_s=0.0625), Cause.WAITING, id="not if others ran"),
    pytest.param(seen(0.125, 0.125, late_s=0.0625), Cause.WAITING, id="not if both of them ran a little"),
    pytest.param(seen(0.0, 0.25, GilWait.LONG, late_s=0.0625), Cause.STARVED, id="starved, if others ran"),
    pytest.param(
        seen(0.0, 0.0, GilWait.LONG, late_s=0.0625), Cause.SUSPENDED, id="suspended, even if the GIL was kept meanwhile"
    ),
]


@pytest.mark.parametrize(("one", "state"), SUSPENDED)
def test_a_process_in_which_no_thread_ran_was(one, state):
    assert state_of(one) is state


BEFORE_THE_STEP = [
    pytest.param(seen(0.25, late_s=0.0625), Cause.SUSPENDED, id="what the thread used may have been before the step"),
    pytest.param(seen(0.125, 0.25, late_s=0.0625), Cause.WAITING, id="and does not make up for what others used"),
    pytest.param(seen(0.375), Cause.COMPUTING, id="and counts as if it was in the step"),
]


@pytest.mark.parametrize(("one", "state"), BEFORE_THE_STEP)
def test_where_the_clocks_were_read_before_the_step(one, state):
    assert state_of(one, before=reading(-1.0)) is state


def test_where_the_clocks_were_read_a_little_before_the_step_only_a_little_is_doubted():
    assert state_of(seen(0.3125, late_s=0.0625), before=reading(-0.0625)) is Cause.WAITING


def test_what_may_have_been_before_the_step_is_compared_with_the_time_that_there_was_a_cpu():
    one = seen(0.1875, late_s=0.75, delayed_s=0.5)
    assert state_of(one, before=reading(-0.125)) is Cause.SUSPENDED


def test_the_time_of_a_sample_begins_with_the_step_or_the_sample_before():
    samples = [sample(2.0, reading(2.0, 0.375)), sample(3.0, reading(3.0, 0.75), [PLACES["A"]])]
    assert states_of(samples, 1.0, reading(0.5)) == [Cause.COMPUTING, Cause.COMPUTING]


# Several samples of one place.


def states(places, *, gil=GilWait.LONG, others=0.5, late_s=0.0, turns=None):
    """The states of samples taken every second, each at the place that its letter stands for."""
    samples = [
        sample(at, reading(at, 0.0, others * at), [PLACES[letter]], gil, due_at=at - late_s, turns=turns)
        for at, letter in enumerate(places, 1)
    ]
    return "".join(LETTERS[state] for state in states_of(samples, 0.0, reading(0.0)))


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        pytest.param("AAA", "SSS", id="for a few samples: starved"),
        pytest.param("AAAA", "WWWW", id="for four: waiting, because the GIL goes round"),
        pytest.param("AAABAAA", "SSSSSSS", id="for a few, twice: starved"),
        pytest.param("ABABABAB", "SSSSSSSS", id="at no place for long: starved"),
        pytest.param("ABAAAAB", "SSWWWWS", id="for four in the middle: waiting there"),
        pytest.param("AAAABA", "WWWWSS", id="for four, and again after a while: waiting only then"),
        pytest.param("AAAAABBB", "WWWWWSSS", id="for five at the beginning: waiting there"),
    ],
)
def test_a_starved_thread_that_stood_still(places, expected):
    assert states(places) == expected


def test_a_suspended_thread_that_stood_still_waited():
    assert states("AAA", others=0.0, late_s=0.0625) == "---"
    assert states("AAAA", others=0.0, late_s=0.0625) == "WWWW"
    assert states("AAAA", others=0.0, late_s=0.0625, turns=0) == "WWWW"


def in_one_place(*readings, delays_s=None, before=None, started=0.0, gil=GilWait.NONE):
    delays_s = delays_s or [0.0] * len(readings)
    samples = [
        sample(each.at, each, [PLACES["A"]], gil, delayed_s=delayed_s)
        for each, delayed_s in zip(readings, delays_s, strict=True)
    ]
    return "".join(LETTERS[state] for state in states_of(samples, started, before or reading(started)))


TOGETHER = [
    pytest.param([0.3125, 0.75], "CC", id="computed, if it did so for more than a third of it all"),
    pytest.param([0.3125, 0.6875], "WC", id="did what each sample says, if it computed for less"),
    pytest.param([0.0, 1.125, 1.125], "CCC", id="computed, if it did so in the middle of it for long"),
    pytest.param([0.0, 0.0], "WW", id="waited, if it did not compute"),
]


@pytest.mark.parametrize(("thread_s", "expected"), TOGETHER)
def test_a_thread_that_looks_as_if_it_waited_at_times(thread_s, expected):
    assert in_one_place(*(reading(at, used) for at, used in enumerate(thread_s, 1))) == expected


def test_what_it_used_at_another_place_says_nothing():
    samples = [
        sample(1.0, reading(1.0, 0.3125), [PLACES["A"]]),
        sample(2.0, reading(2.0, 1.25), [PLACES["B"]]),
    ]
    assert states_of(samples, 0.0, reading(0.0)) == [Cause.WAITING, Cause.COMPUTING]


def test_the_time_at_a_place_begins_with_the_last_sample_of_the_place_before():
    samples = [
        sample(4.0, reading(4.0, 0.0), [PLACES["B"]]),
        sample(5.0, reading(5.0, 0.3125), [PLACES["A"]]),
        sample(6.0, reading(6.0, 0.75), [PLACES["A"]]),
    ]
    assert states_of(samples, 0.0, reading(0.0)) == [Cause.WAITING, Cause.COMPUTING, Cause.COMPUTING]


def test_a_thread_that_stood_still_while_somebody_kept_the_gil_computed_if_its_cpu_clock_is_unknown():
    readings = [reading(at, None) for at in (1.0, 2.0, 3.0, 4.0)]
    assert in_one_place(*readings, before=reading(0.0, None), gil=GilWait.LONG) == "CCCC"


def test_time_without_a_cpu_says_nothing_even_if_the_kernel_counts_it_late():
    assert in_one_place(reading(1.0, 0.0625), reading(2.0, 0.125), delays_s=[0.0, 1.75]) == "CC"


def test_a_thread_that_only_woke_up_now_and_then_waited_even_if_others_had_the_cpus():
    assert in_one_place(reading(1.0, 0.015625), reading(2.0, 0.03125), delays_s=[0.0, 2.0]) == "WW"


def test_a_thread_that_did_a_little_more_than_wake_up_computed_if_others_had_the_cpus():
    assert in_one_place(reading(1.0, 0.0234375), reading(2.0, 0.046875), delays_s=[0.0, 2.0]) == "CC"


def test_what_may_have_been_used_before_the_step_does_not_count_as_computing():
    before = reading(0.5, 4.0)
    assert in_one_place(reading(2.5, 4.75), reading(3.5, 4.75), before=before, started=1.5) == "CW"
    assert in_one_place(reading(2.5, 5.75), reading(3.5, 5.75), before=before, started=1.5) == "CC"


@pytest.mark.parametrize(
    ("before", "last"),
    [
        pytest.param(reading(0.0, None), reading(2.0, 2.0), id="before"),
        pytest.param(reading(0.0), reading(2.0, None), id="in the end"),
    ],
)
def test_a_thread_whose_cpu_clock_is_unknown_did_what_each_sample_says(before, last):
    assert "W" in in_one_place(reading(1.0, 0.3125), last, before=before)


def test_a_starved_thread_did_what_each_sample_says():
    samples = [
        sample(1.0, reading(1.0, 0.0, 0.0), [PLACES["A"]]),
        sample(2.0, reading(2.0, 0.0, 1.0), [PLACES["A"]], GilWait.LONG),
        sample(3.0, reading(3.0, 2.0, 1.0), [PLACES["A"]]),
    ]
    assert states_of(samples, 0.0, reading(0.0)) == [Cause.WAITING, Cause.STARVED, Cause.COMPUTING]


def test_no_samples_have_no_states():
    assert states_of([], 0.0, reading(0.0)) == []


# For how long the machine kept the thread off its CPUs.

KEPT_OFF = [
    pytest.param([sample(1.0, 0.25, delayed_s=0.5)], 0.5, id="as long as it was delayed"),
    pytest.param([sample(1.0, 0.75, delayed_s=0.5)], 0.25, id="not while it ran"),
    pytest.param([sample(1.0, 1.25, delayed_s=0.5)], 0.0, id="not less than not at all"),
    pytest.param([sample(1.0, 0.0, delayed_s=0.5), sample(3.0, 0.5, delayed_s=1.0)], 1.5, id="in all samples"),
    pytest.param([sample(1.0, 0.5, delayed_s=0.5), sample(2.0, 1.0, delayed_s=1.0)], 1.0, id="in each by itself"),
    pytest.param([sample(1.0, None, delayed_s=0.5)], 0.5, id="as long as it was delayed, if its clock is unknown"),
    pytest.param([], 0.0, id="not at all, as far as was seen"),
]


@pytest.mark.parametrize(("samples", "seconds"), KEPT_OFF)
def test_a_thread_was_kept_from_the_cpus(samples, seconds):
    assert run_delay_s(samples, 0.0, reading(0.0)) == seconds


def test_a_thread_was_not_kept_from_the_cpus_before_the_step():
    assert run_delay_s([sample(2.0, 0.0, delayed_s=1.5)], 1.0, reading(0.0)) == 1.0


def test_a_thread_whose_clock_was_unknown_before_was_kept_from_the_cpus_as_far_as_can_be_known():
    assert run_delay_s([sample(1.0, 0.75, delayed_s=0.5)], 0.0, reading(0.0, None)) == 0.25


UNSEEN = [
    pytest.param(Delayed(0.5, 0.25), reading(1.0, 0.25), 0.5, id="as long as it was delayed"),
    pytest.param(Delayed(0.25, 0.5), reading(1.0, 0.25), 0.5, id="as long as the watchdog was delayed"),
    pytest.param(Delayed(0.5, 0.5), reading(1.0, 0.75), 0.25, id="not while it ran"),
    pytest.param(Delayed(0.5, 0.5), reading(1.0, 1.25), 0.0, id="not less than not at all"),
    pytest.param(Delayed(0.5, 0.5), reading(1.0, None), 0.0, id="not as far as is known"),
]


@pytest.mark.parametrize(("delays", "after", "seconds"), UNSEEN)
def test_a_thread_of_which_no_sample_was_taken_was_kept_from_the_cpus(delays, after, seconds):
    assert run_delay_unseen_s(delays, after, reading(0.0), 1.0) == seconds


def test_a_thread_of_which_no_sample_was_taken_may_have_run_before():
    assert run_delay_unseen_s(Delayed(0.5), reading(5.0, 3.25), reading(4.0, 3.0), 0.5) == 0.25
    assert run_delay_unseen_s(Delayed(0.5), reading(5.0, 3.0), reading(4.0, None), 1.0) == 0.0


STEPS_UNSEEN = [
    pytest.param(reading(10.0, 3.25, 5.5, 7.0), True, False, id="others ran: starved"),
    pytest.param(reading(10.0, 3.5, 5.5, 7.0), False, False, id="the thread ran, too: neither"),
    pytest.param(reading(10.0, 3.25, 5.25, 7.0), False, False, id="both ran a little: neither"),
    pytest.param(reading(10.0, 3.125, 5.125, 7.0), False, True, id="no thread ran: suspended"),
    pytest.param(reading(10.0, 3.0, 5.0, 9.0), False, True, id="only the watchdog ran: suspended"),
    pytest.param(reading(10.0, 5.0, 5.0, 7.0), False, False, id="the thread ran: neither"),
]
BEFORE = reading(8.0, 3.0, 5.0, 7.0)


@pytest.mark.parametrize(("after", "starved", "suspended"), STEPS_UNSEEN)
def test_a_step_of_which_no_sample_was_taken(after, starved, suspended):
    assert (is_starved(after, BEFORE, 2.0), is_suspended(after, BEFORE, 2.0)) == (starved, suspended)


def test_a_step_of_which_no_sample_was_taken_is_starved_if_the_thread_hardly_ran_though_it_had_a_cpu():
    assert is_starved(reading(10.0, 3.5, 5.5, 7.0), BEFORE, 2.0, Delayed(0.25))


@pytest.mark.parametrize("unknown", [(None, 3.0), (3.0, None)], ids=["before", "after"])
def test_a_step_is_not_starved_as_far_as_is_known_if_the_threads_clock_is_unknown(unknown):
    before, after = unknown
    assert not is_starved(reading(9.0, after, 9.0), reading(8.0, before), 1.0)


COMPUTING, WAITING, STARVED = Cause.COMPUTING, Cause.WAITING, Cause.STARVED
SHARES = [
    pytest.param([(COMPUTING, 0.25, 0.75), (COMPUTING, 0.75, 0.25)], [0.75, 0.25], id="what was waited for"),
    pytest.param([(COMPUTING, 0.25, 0.0), (COMPUTING, 0.75, 1.0)], [0.75, 0.25], id="also if it was counted too late"),
    pytest.param([(COMPUTING, 0.5, 0.0), (COMPUTING, 0.5, 0.5)], [0.25, 0.25], id="no more than was counted"),
    pytest.param([(COMPUTING, 0.5, 0.0), (COMPUTING, 0.75, 9.0)], [0.5, 0.25], id="no more than the missing CPU time"),
    pytest.param([(COMPUTING, 0.5, 9.0), (COMPUTING, 0.5, 0.0)], [0.25, 0.25], id="nothing that precedes the step"),
    pytest.param([(COMPUTING, 1.0, 0.0), (WAITING, 0.25, 0.5)], [0.0, 0.5], id="its own, if the thread waited"),
    pytest.param(
        [(WAITING, 0.25, 0.5), (WAITING, 0.75, 0.5)],
        [0.5, 0.25],
        id="at most the time in which a thread that waited had no CPU",
    ),
    pytest.param([(COMPUTING, 1.0, 0.0), (STARVED, 0.0, 0.0)], [0.0, 1.0], id="all of it, if the thread was starved"),
    pytest.param([(COMPUTING, 1.0, 1.0)], [0.0], id="nothing, if no CPU time is missing"),
    pytest.param([], [], id="nothing, without a sample"),
]


@pytest.mark.parametrize(("windows", "shares"), SHARES)
def test_the_share_of_the_machine_in_the_second_before_each_sample_is(windows, shares):
    samples, used_s = [], 0.0
    for at, (_, own_s, delayed_s) in enumerate(windows, start=1):
        used_s += own_s
        samples.append(sample(float(at), used_s, delayed_s=delayed_s))
    states = [state for state, *_ in windows]
    assert delayed_shares(samples, states, 0.0, reading(0.0), reading(float(len(windows)), used_s)) == shares


def test_the_waits_of_a_thread_that_kept_the_gil_are_shared_out_by_the_missing_cpu_time():
    samples = [sample(1.0, 0.0, gil=GilWait.LONG), sample(2.0, 0.5, gil=GilWait.LONG, delayed_s=0.75)]
    states = [Cause.WAITING, Cause.WAITING]
    assert delayed_shares(samples, states, 0.0, reading(0.0), reading(2.0, 0.5)) == [0.5, 0.25]


def test_the_machine_has_no_share_of_the_time_between_two_samples_of_one_moment():
    samples = [sample(1.0, 0.5), sample(1.0, 0.5)]
    assert delayed_shares(samples, [Cause.WAITING] * 2, 0.0, reading(0.0), reading(1.0, 0.5)) == [0.0, 0.0]


def test_the_machine_has_no_more_than_all_of_the_time_if_the_threads_clock_is_lost():
    samples = [sample(2.0, reading(2.0, None), delayed_s=3.0)]
    assert delayed_shares(samples, [Cause.WAITING], 1.0, reading(1.0, 8.0), reading(2.0, None)) == [1.0]


def test_the_time_up_to_a_sample_that_was_taken_after_the_step_is_not_shortened():
    samples = [sample(1.0, 0.5, delayed_s=0.5)]
    assert delayed_shares(samples, [Cause.COMPUTING], 0.0, reading(0.0), reading(0.5, 0.5)) == [0.5]


def test_the_time_up_to_the_last_sample_includes_that_up_to_the_end_of_the_step():
    samples = [sample(1.0, 0.5, delayed_s=1.5)]
    assert delayed_shares(samples, [Cause.COMPUTING], -1.0, reading(-1.0), reading(3.0, 1.0)) == [0.375]
