"""The bar of the real-time tests: when a case is over, and what fails a run."""

import pytest

from tests.support.real_time import JSON_PATH, PYTHON, OneRun
from tests.support.real_time_bar import Case, Decision, Outcome, Run, breaches, decide, totals
from tests.support.witness import Witness

E, S, F, D = Outcome.EXACT, Outcome.SHORT, Outcome.FALSE, Outcome.DISTURBED


def runs(*outcomes):
    return tuple(map(Run, outcomes))


def case(*outcomes):
    return Case("test_sleep", "3.11", "asyncio", "sampling", runs(*outcomes))


@pytest.mark.parametrize(
    ("outcomes", "decision"),
    [
        ([], Decision.RUN_AGAIN),
        ([E], Decision.PASSED),
        ([D], Decision.RUN_AGAIN),
        ([D, S, D, E], Decision.PASSED),
        ([S] * 4, Decision.RUN_AGAIN),
        ([S] * 5, Decision.FAILED),
        ([F], Decision.RUN_AGAIN),
        ([F, E, E, E, E], Decision.RUN_AGAIN),
        ([F, S, E, S, S, E, S, S], Decision.RUN_AGAIN),
        ([F, E, E, E, E, E], Decision.PASSED),
        ([F, E, F], Decision.FAILED),
        ([D] * 19, Decision.RUN_AGAIN),
        ([D] * 20, Decision.SKIPPED),
        ([S] + [D] * 19, Decision.SKIPPED),
        ([D] * 19 + [E], Decision.PASSED),
    ],
)
def test_a_case_is_run_until_it_is_decided(outcomes, decision):
    assert decide(runs(*outcomes)) is decision


@pytest.mark.parametrize(
    ("cases", "missed"),
    [
        ([], []),
        ([case(F, E, E, E, E, E)], []),
        ([case(F, E, E, E, E, E)] * 2, ["2 of 12 runs were false, and at most 1 may be"]),
        ([case(F, E)] * 2 + [case(E)] * 496, ["2 of 500 runs were false, and at most 1 may be"]),
        ([case(F, E)] * 2 + [case(E)] * 497, []),
        ([case(E)] * 999 + [case(F, F)], ["test_sleep was false twice"]),
        ([case(*[D] * 20)], ["1 of 1 cases were skipped as disturbed, and at most 2% may be"]),
        ([case(*[D] * 20)] + [case(E)] * 48, ["1 of 49 cases were skipped as disturbed, and at most 2% may be"]),
        ([case(*[D] * 20)] + [case(E)] * 49, []),
        ([case(*[S] * 5)], []),
    ],
)
def test_the_bar(cases, missed):
    assert list(breaches(cases)) == missed


@pytest.mark.parametrize(("waited_s", "outcome"), [(0.001, S), (0.1, D)])
def test_an_inexact_run_is_short_unless_the_kernel_saw_it_disturbed(waited_s, outcome):
    run, witness = OneRun(), Witness()
    witness.waited_for_cpu_s = waited_s
    run.inexact(witness, "the call has no name")
    assert run.said.outcome is outcome
    assert "the call has no name" in run.said.reason


def test_everything_is_counted():
    counts = totals([case(D, S, E), case(F, E, E, E, E, E), case(*[D] * 20)])
    assert counts == {"cases": 3, "skipped": 1, "runs": 29, "exact": 6, "short": 1, "false": 1, "disturbed": 21}


def test_a_case_that_is_false_twice_fails_the_run(session):
    result, written = session("""
    def test_case(real_time):
        for run in real_time.runs(loop="uvloop", engine="tracing"):
            run.false("it named the plumbing")
    """)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*= real time =*",
            "3.*, uvloop, tracing: 1 cases (0 skipped) in 2 runs: 0 exact, 0 short, 2 false, 0 disturbed",
            "false: test_cases.py::test_case: it named the plumbing",
            "The bar is missed: 2 of 2 runs were false, and at most 1 may be",
            "The bar is missed: test_cases.py::test_case was false twice",
        ]
    )
    assert written["groups"][0]["false"] == 2
    assert written["not_exact"][0]["runs"] == [{"outcome": "false", "reason": "it named the plumbing"}] * 2


SEVERAL = """
    import pytest

    @pytest.mark.parametrize("number", range({count}))
    def test_case(real_time, number):
        for index, run in enumerate(real_time.runs()):
            run.exact() if index else run.{first}("at first")
    """


@pytest.mark.parametrize("arguments", [[], ["-p", "xdist", "-n", "2"]], ids=["one process", "workers"])
def test_more_false_runs_than_the_bar_allows_fail_a_run_whose_tests_all_pass(session, arguments):
    result, written = session(SEVERAL.format(count=2, first="false"), *arguments)
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert written["missed"] == ["2 of 12 runs were false, and at most 1 may be"]


def test_a_run_in_parallel_and_one_after_it_write_two_files(session, pytester, monkeypatch):
    monkeypatch.delenv(JSON_PATH)
    for arguments in (["-p", "xdist", "-n", "1"], []):
        session(SEVERAL.format(count=1, first="short"), *arguments)
    names = sorted(path.name for path in pytester.path.glob(".real-time-*.json"))
    assert names == [f".real-time-{PYTHON}-parallel.json", f".real-time-{PYTHON}.json"]


def test_runs_that_were_disturbed_are_counted_and_fail_nothing(session):
    result, written = session(SEVERAL.format(count=3, first="disturbed"))
    assert result.ret == pytest.ExitCode.OK
    assert (written["totals"]["runs"], written["totals"]["disturbed"], written["missed"]) == (6, 3, [])


def test_a_case_that_the_machine_always_disturbs_is_skipped_and_counted(session):
    result, written = session("""
    def test_case(real_time):
        for run in real_time.runs():
            run.disturbed("no CPU")
    """)
    result.assert_outcomes(skipped=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert written["totals"]["skipped"] == 1


def test_a_case_that_its_test_leaves_with_an_error_is_counted_for_the_runs_before(session):
    result, written = session("""
    def test_case(real_time):
        for index, run in enumerate(real_time.runs()):
            assert not index
            run.disturbed("no CPU")
    """)
    result.assert_outcomes(failed=1)
    assert written["totals"]["runs"] == 1


def test_a_run_that_nothing_is_said_of_is_an_error(session):
    result, _ = session("""
    def test_case(real_time):
        for run in real_time.runs():
            pass
    """)
    result.stdout.fnmatch_lines(["*A run has to be said to be exact, short, false or disturbed*"])


def test_a_test_that_asks_for_runs_is_marked_and_one_that_does_not_is_no_part_of_the_counts(session):
    result, written = session(
        """
    def test_other():
        pass

    def test_case(real_time):
        pass
    """,
        "-m",
        "not real_time",
    )
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.no_fnmatch_line("*= real time =*")
    assert written is None
