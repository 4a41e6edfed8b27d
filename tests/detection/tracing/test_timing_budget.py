"""Code is timed as long as it is not always quick."""

from loopwatch.detection.tracing.timing_budget import SUSPECT_CREDITS, CodeBudget, TimingBudget

CODE = (lambda: None).__code__
A_SECOND = 3000.0


def calls_until_left_alone(budget):
    calls = 0
    while budget.credits >= 0.0:
        budget.note(0.0)
        calls += 1
    return calls


def test_code_that_is_quick_from_the_first_call_on_is_left_alone_at_once():
    assert calls_until_left_alone(TimingBudget()) < 5


def test_code_that_a_busy_machine_made_look_slow_is_soon_left_alone():
    budget = TimingBudget()
    for _ in range(100):
        budget.note(A_SECOND)
    assert calls_until_left_alone(budget) < 200


def test_code_that_is_slow_on_average_is_timed_permanently():
    budget = TimingBudget()
    for call in range(10_000):
        budget.note(30.0 if call % 20 == 0 else 0.0)
        assert budget.credits >= 0.0


def test_the_cause_of_a_stall_keeps_its_credits_whether_its_calls_are_slow_or_quick():
    budget = CodeBudget(CODE)
    budget.suspect(at=0.0)
    budget.note(A_SECOND)
    assert calls_until_left_alone(budget) >= SUSPECT_CREDITS - 1
