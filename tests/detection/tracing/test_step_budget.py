"""Which steps are traced, where tracing is costly: those that are new, and those of what has been a stall."""

import gc
import weakref
from types import FunctionType, MethodType

import pytest

from loopwatch.detection.tracing import step_budget
from loopwatch.detection.tracing.step_budget import FIRST_CREDITS, STALL_CREDITS, SUSPECT_FOR_S, StepBudgets
from tests.detection import shop
from tests.detection.builders import Step

THRESHOLD_S = 0.0625
STEP, OTHER_STEP = Step(shop.price), Step(shop.add_up)


class Hostile:
    """A callback that answers no question."""

    def __getattribute__(self, name):
        raise SystemExit(name)

    def __call__(self):
        """Never called."""


@pytest.fixture
def budgets():
    return StepBudgets()


def traced(budgets, step, at=0.0, limit=10_000):
    """How many steps are traced before one is not."""
    return next(count for count in range(limit) if budgets.is_quick(step, at))


def test_the_first_steps_are_traced(budgets):
    assert traced(budgets, STEP) == FIRST_CREDITS


def test_each_code_has_first_steps_of_its_own(budgets):
    traced(budgets, STEP)
    assert traced(budgets, OTHER_STEP) == FIRST_CREDITS


def test_steps_of_tasks_differ_by_their_coroutine(budgets, step_of_task):
    traced(budgets, step_of_task(shop.checkout([])))
    assert budgets.is_quick(step_of_task(shop.checkout([])), 0.0)
    assert not budgets.is_quick(step_of_task(shop.restock()), 0.0)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(Step(len), id="a C function"),
        pytest.param(Step(), id="nothing"),
        pytest.param(object(), id="no handle"),
        pytest.param(Step(Hostile()), id="an object that answers no question"),
        pytest.param(Step(MethodType(Hostile(), "an order")), id="a method of such an object"),
    ],
)
def test_a_step_that_cannot_be_recognised_is_traced(step, budgets):
    assert not any(budgets.is_quick(step, 0.0) for _ in range(FIRST_CREDITS + 5))


@pytest.mark.parametrize(
    ("lasted_s", "steps"),
    [
        pytest.param(THRESHOLD_S, STALL_CREDITS, id="a stall"),
        pytest.param(THRESHOLD_S / 2, 0, id="no stall"),
    ],
)
def test_many_steps_are_traced_after(lasted_s, steps, budgets):
    traced(budgets, STEP)
    budgets.note(100.0, 100.0 + lasted_s, THRESHOLD_S)
    assert traced(budgets, STEP, at=1000.0) == steps


@pytest.mark.parametrize(
    ("at", "is_quick"),
    [
        pytest.param(100.0 + THRESHOLD_S + SUSPECT_FOR_S - 1, False, id="for a while"),
        pytest.param(100.0 + THRESHOLD_S + SUSPECT_FOR_S, True, id="no longer"),
    ],
)
def test_after_a_stall_all_steps_are_traced(at, is_quick, budgets, monkeypatch):
    monkeypatch.setattr(step_budget, "STALL_CREDITS", 0)
    traced(budgets, STEP)
    budgets.note(100.0, 100.0 + THRESHOLD_S, THRESHOLD_S)
    assert budgets.is_quick(STEP, at) is is_quick


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(lambda budgets: budgets.skip(), id="skipped"),
        pytest.param(lambda budgets: budgets.is_quick(Step(len), 0.0), id="one that cannot be recognised"),
    ],
)
def test_a_stall_is_not_that_of_the_step_before_if_its_own_was(begin, budgets):
    traced(budgets, STEP)
    begin(budgets)
    budgets.note(100.0, 101.0, THRESHOLD_S)
    assert budgets.is_quick(STEP, 1000.0)


def test_a_step_that_ends_before_any_began_is_not_noted(budgets):
    budgets.note(100.0, 101.0, THRESHOLD_S)
    assert traced(budgets, STEP) == FIRST_CREDITS


def test_what_is_remembered_is_limited(budgets, monkeypatch):
    monkeypatch.setattr(step_budget, "MAX_CODES", 1)
    traced(budgets, STEP)
    assert budgets.is_quick(STEP, 0.0)
    budgets.is_quick(OTHER_STEP, 0.0)
    assert traced(budgets, STEP) == FIRST_CREDITS


def test_code_that_is_remembered_stays_so_that_no_other_takes_its_place(budgets):
    function = FunctionType(shop.price.__code__.replace(co_name="forgotten"), {})
    code = weakref.ref(function.__code__)
    budgets.is_quick(Step(function), 0.0)
    del function
    gc.collect()
    assert code() is not None
