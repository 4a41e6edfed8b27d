"""What the lookout has seen takes the place of samples that came late, and only where it explains them."""

import dis
from dataclasses import replace

import pytest

from loopwatch.detection.calls import Cause
from loopwatch.detection.cpython.sites import register_collector_callback
from loopwatch.detection.lookout.look import Look, LookedFrame
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.sampling.looks import add_unseen_end, replace_late_samples
from loopwatch.detection.timing import stopwatch
from loopwatch.detection.verdict.attribution import paths_of
from loopwatch.detection.verdict.thread_states import states_of
from tests.detection.builders import (
    NO_COLLECTION,
    called,
    named,
    observation,
    offset_of,
    reading,
    reported,
    sample,
    site,
    stall,
)

LOOP, ANOTHER = 1, 2
LONG, CONTESTED, SHARED, SEEN = GilWait.LONG, GilWait.CONTESTED, GilWait.SHARED, GilWait.SEEN
STEP = stopwatch._timed_as_asyncio_runs(print, lambda loop: None).__code__


def settle(total, rate, log):
    _ = total**rate
    log(total)


def search(names):
    return "nobody" in names


def lost():
    return 3**5


def look(function, at, first_at, last_at, *, thread_id=LOOP):
    """The thread stood at the expression ``at`` from one moment to another, in a step."""
    code = function.__code__
    offset = offset_of(code, at)
    instruction = next(each for each in dis.get_instructions(code) if each.offset == offset)
    frames = (_frame(code, offset), _frame(STEP, offset_of(STEP)))
    return Look(thread_id, first_at, last_at, dis.opmap[instruction.opname], frames, 0)


def _frame(code, offset):
    lineno, end_lineno, column, end_column = list(code.co_positions())[offset // 2]
    return LookedFrame(code.co_filename, code.co_qualname, lineno, end_lineno, column, end_column)


def late(at=1.0, gil=LONG, stack=None, *, asked_at=0.02, cpu=None):
    """A sample that came when the operator of ``settle`` was over, and shows the call that follows."""
    sites = [site(settle, "log(total)", called("log"))] if stack is None else stack
    return sample(at, reading(at, at) if cpu is None else cpu, sites, gil, requested_at=asked_at)


def replaced(seen, *looks):
    replace_late_samples(seen, looks, LOOP)
    return seen.samples


@pytest.mark.parametrize("gil", [LONG, CONTESTED, SHARED])
def test_a_late_sample_is_replaced(gil):
    (found,) = replaced(observation(late(gil=gil)), look(settle, "total**rate", 0.03, 0.9))
    assert (found.gil_wait, found.taken_at) == (SEEN, 1.0)
    assert found.sites[0].offset == offset_of(settle.__code__, "total**rate")


@pytest.mark.parametrize("gil", [GilWait.NONE, GilWait.INTERVAL])
def test_a_sample_that_came_in_time_stays(gil):
    came = late(gil=gil)
    assert replaced(observation(came), look(settle, "total**rate", 0.03, 0.9)) == [came]


def test_a_look_knows_no_variables():
    came = replace(late(), variables=(1, 2))
    (found,) = replaced(observation(came), look(settle, "total**rate", 0.03, 0.9))
    assert found.variables is None


def test_a_look_at_another_thread_replaces_nothing():
    came = late()
    assert replaced(observation(came), look(settle, "total**rate", 0.03, 0.9, thread_id=ANOTHER)) == [came]


def test_a_look_at_an_earlier_step_replaces_nothing():
    came = late()
    assert replaced(observation(came), look(settle, "total**rate", -0.5, -0.1)) == [came]


def test_looks_that_cover_little_of_the_wait_replace_nothing():
    came = late()
    assert replaced(observation(came), look(settle, "total**rate", 0.03, 0.3)) == [came]


def test_looks_whose_code_is_not_all_known_replace_nothing():
    came = late()
    unknown = look(lost, "3**5", 0.5, 0.9)
    gone = unknown.frames[0]._replace(filename="<template>")
    gap = Look(LOOP, 0.5, 0.9, unknown.opcode, (gone, *unknown.frames[1:]), 0)
    assert replaced(observation(came), look(settle, "total**rate", 0.03, 0.5), gap) == [came]


def test_a_sample_in_the_middle_of_a_collection_stays():
    register_collector_callback("collector")
    came = late(stack=[site(lost, module="collector"), site(settle, "log(total)")])
    assert replaced(observation(came), look(settle, "total**rate", 0.03, 0.9)) == [came]


def test_two_operators_in_one_wait_share_its_time():
    first, second = look(settle, "total**rate", 0.03, 0.3), look(search, '"nobody" in names', 0.3, 0.9)
    found = replaced(observation(late()), first, second)
    assert [(each.taken_at, each.cpu.thread_s) for each in found] == [(0.3, pytest.approx(0.3)), (1.0, 1.0)]
    paths = paths_of(found, states_of(found, 0.0, reading(0.0)), 0.0, 1.0, NO_COLLECTION)
    assert [round(each.weight_s, 3) for each in paths] == [0.3, 0.7]


def test_each_late_sample_of_a_step_has_its_own_looks():
    early = late(0.4)
    seen = observation(early, late(1.0, asked_at=0.5))
    first, second = look(settle, "total**rate", 0.03, 0.39), look(search, '"nobody" in names', 0.52, 0.98)
    found = replaced(seen, first, second)
    assert [each.sites[0].code.co_name for each in found] == ["settle", "search"]
    assert [each.taken_at for each in found] == [0.4, 1.0]


def test_a_thread_that_was_seen_to_keep_the_gil_computed_whatever_others_did():
    cpu = reading(1.0, 0.4, others=0.9)
    found = replaced(observation(late(cpu=cpu)), look(settle, "total**rate", 0.03, 0.9))
    assert states_of(found, 0.0, reading(0.0)) == [Cause.COMPUTING]


def test_the_operator_is_exact():
    found = replaced(observation(late()), look(settle, "total**rate", 0.03, 0.9))
    (path,) = paths_of(found, [Cause.COMPUTING], 0.0, 1.0, NO_COLLECTION)
    call = reported(path)
    assert named(path.nodes) == [f"{__name__}.settle"]
    assert (call.exact, call.source, call.method_name) == (True, "total**rate", f"{__name__}.settle")


def test_the_end_of_a_step_that_no_sample_shows_is_added():
    seen = observation()
    seen.unseen_since = 0.02
    add_unseen_end(seen, [look(settle, "total**rate", 0.03, 0.9)], LOOP, _end())
    (found,) = seen.samples
    assert (found.gil_wait, found.taken_at, seen.unseen_since) == (SEEN, 1.0, 1.0)


def test_an_end_that_was_not_looked_at_stays_unseen():
    seen = observation()
    seen.unseen_since = 0.02
    add_unseen_end(seen, [look(settle, "total**rate", 0.03, 0.1)], LOOP, _end())
    assert (seen.samples, seen.unseen_since) == ([], 0.02)


def test_what_a_sample_has_shown_already_is_not_added_again():
    seen = observation(late(0.9))
    seen.unseen_since = 0.95
    add_unseen_end(seen, [look(settle, "total**rate", 0.03, 0.89)], LOOP, _end())
    assert len(seen.samples) == 1


def _end():
    ended = stall(1.0, cpu=1.0)
    return sample(1.0, ended.cpu, (), SHARED, requested_at=0.02)
