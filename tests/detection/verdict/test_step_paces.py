"""Which steps are traced, where tracing is costly: those that are new, and those of what has been a stall."""

import gc
import weakref
from types import FunctionType

import pytest

from loopwatch.detection.tracing import step_paces
from loopwatch.detection.tracing.step_paces import FIRST_CREDITS, STALL_CREDITS, SUSPECT_FOR_S, StepPaces
from tests.detection.verdict import shop
from tests.detection.verdict.builders import Step

THRESHOLD_S = 0.0625
STEP, OTHER_STEP = Step(shop.price), Step(shop.add_up)


class Hostile:
    """A callback that answers no question."""

    def __getattr__(self, name):
        raise RuntimeError(name)


@pytest.fixture
def paces():
    return StepPaces()


def traced(paces, step, at=0.0, limit=10_000):
    """How many steps are traced before one is not."""
    return next(count for count in range(limit) if paces.is_quick(step, at))


def test_the_first_steps_are_traced(paces):
    assert traced(paces, STEP) == FIRST_CREDITS


def test_each_code_has_first_steps_of_its_own(paces):
    traced(paces, STEP)
    assert traced(paces, OTHER_STEP) == FIRST_CREDITS


def test_steps_of_tasks_differ_by_their_coroutine(paces, step_of_task):
    traced(paces, step_of_task(shop.checkout([])))
    assert paces.is_quick(step_of_task(shop.checkout([])), 0.0)
    assert not paces.is_quick(step_of_task(shop.restock()), 0.0)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(Step(len), id="a C function"),
        pytest.param(Step(), id="nothing"),
        pytest.param(object(), id="no handle"),
        pytest.param(Step(Hostile()), id="an object that answers no question"),
    ],
)
def test_a_step_that_cannot_be_recognised_is_traced(step, paces):
    assert not any(paces.is_quick(step, 0.0) for _ in range(FIRST_CREDITS + 5))


@pytest.mark.parametrize(
    ("lasted_s", "steps"),
    [
        pytest.param(THRESHOLD_S, STALL_CREDITS, id="a stall"),
        pytest.param(THRESHOLD_S / 2, 0, id="no stall"),
    ],
)
def test_many_steps_are_traced_after(lasted_s, steps, paces):
    traced(paces, STEP)
    paces.note(100.0, 100.0 + lasted_s, THRESHOLD_S)
    assert traced(paces, STEP, at=1000.0) == steps


@pytest.mark.parametrize(
    ("at", "is_quick"),
    [
        pytest.param(100.0 + THRESHOLD_S + SUSPECT_FOR_S - 1, False, id="for a while"),
        pytest.param(100.0 + THRESHOLD_S + SUSPECT_FOR_S, True, id="no longer"),
    ],
)
def test_after_a_stall_all_steps_are_traced(at, is_quick, paces, monkeypatch):
    monkeypatch.setattr(step_paces, "STALL_CREDITS", 0)
    traced(paces, STEP)
    paces.note(100.0, 100.0 + THRESHOLD_S, THRESHOLD_S)
    assert paces.is_quick(STEP, at) is is_quick


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(lambda paces: paces.skip(), id="skipped"),
        pytest.param(lambda paces: paces.is_quick(Step(len), 0.0), id="one that cannot be recognised"),
    ],
)
def test_a_stall_is_not_that_of_the_step_before_if_its_own_was(begin, paces):
    traced(paces, STEP)
    begin(paces)
    paces.note(100.0, 101.0, THRESHOLD_S)
    assert paces.is_quick(STEP, 1000.0)


def test_a_step_that_ends_before_any_began_is_not_noted(paces):
    paces.note(100.0, 101.0, THRESHOLD_S)
    assert traced(paces, STEP) == FIRST_CREDITS


def test_what_is_remembered_is_limited(paces, monkeypatch):
    monkeypatch.setattr(step_paces, "MAX_CODES", 1)
    traced(paces, STEP)
    assert paces.is_quick(STEP, 0.0)
    paces.is_quick(OTHER_STEP, 0.0)
    assert traced(paces, STEP) == FIRST_CREDITS


def test_code_that_is_remembered_stays_so_that_no_other_takes_its_place(paces):
    function = FunctionType(shop.price.__code__.replace(co_name="forgotten"), {})
    code = weakref.ref(function.__code__)
    paces.is_quick(Step(function), 0.0)
    del function
    gc.collect()
    assert code() is not None
