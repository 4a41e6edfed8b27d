"""The benchmarks run, and their JSON has the figures. What they say is for a machine that does nothing else."""

import json
import sys

import pytest

from tests.benchmarks.budgets import Budget, Verdict
from tests.benchmarks.figures import Figure, figure, figure_of
from tests.benchmarks.load import moments
from tests.support.children import run


def benchmarks(*arguments):
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", *arguments]
    return run(command, check=True).stdout


def test_every_engine_has_a_figure_beside_what_it_is_compared_with():
    told = json.loads(benchmarks("--only", "callback", "--json"))
    assert told["machine"].startswith("Python 3.")
    figures = {each["variant"]: each for each in told["figures"]}
    assert {"loopwatch, sampling", "loopwatch, tracing", "asyncio debug mode"} <= figures.keys()
    assert figures["asyncio debug mode"] | {"median": 0} == {
        "workload": "callback",
        "variant": "asyncio debug mode",
        "unit": "ns more",
        "median": 0,
        "error": None,
        "rounds": 1,
    }
    assert isinstance(figures["asyncio debug mode"]["median"], float)


def test_a_figure_is_the_median_and_says_how_far_it_can_be_trusted():
    steady, shaky = figure([1.0, 1.01, 1.02] * 30), figure([0.5, 1.01, 1.5] * 30)
    assert steady.median == shaky.median == 1.01
    assert steady.error < 0.01 < shaky.error


def test_what_differs_between_generations_of_processes_is_error():
    alike, different = [[1.0] * 30] * 4, [[0.9] * 30, [1.0] * 30, [1.1] * 30]
    assert figure_of(alike) == Figure(1.0, 0.0, 120)
    assert figure_of(different).median == 1.0
    assert figure_of(different).error > 0.1


def test_a_budget_is_missed_only_if_that_is_sure():
    most, least = Budget("view", "tool", 1.02), Budget("view", "tool", least=0.99)

    def verdict(budget, median, error):
        return budget.verdict({"view": {"tool": Figure(median, error, 30)}})

    assert verdict(most, 1.01, 0.5) is Verdict.MET
    assert verdict(most, 1.03, 0.02) is Verdict.UNCLEAR
    assert verdict(most, 1.03, 0.005) is Verdict.MISSED
    assert verdict(least, 1.03, 0.5) is Verdict.MET
    assert verdict(least, 0.98, 0.02) is Verdict.UNCLEAR
    assert verdict(least, 0.98, 0.005) is Verdict.MISSED
    assert most.verdict({}) is None


def test_there_are_enough_moments_for_a_percentile_at_any_rate():
    assert len(moments(rate=0.1, seconds=0.5)) >= 2
    assert len(moments(rate=1000, seconds=0.5)) == pytest.approx(500, rel=0.2)


@pytest.mark.servers
@pytest.mark.parametrize("page", ["uvicorn-echo", "daphne-account"])
def test_every_measure_of_a_served_page_has_a_figure(page):
    figures = json.loads(benchmarks("--json", "--only", page))["figures"]
    served = {each["workload"] for each in figures if each["variant"] == "loopwatch, sampling"}
    measures = ("throughput", "cpu", "p50", "p99", "half-p50", "half-p99", "stall-p99")
    assert served == {f"{page}-{measure}" for measure in measures}


@pytest.mark.real_time
def test_a_storm_of_stalls_is_counted_as_a_whole():
    command = [sys.executable, "-m", "tests.benchmarks.storm", "--loops", "3", "--seconds", "1", "--json"]
    bare, watched = json.loads(run(command, check=True).stdout).values()
    assert bare["reported"] == 0
    assert watched["reported"] >= watched["stalls"] > 50
    assert watched["reported_ms"] >= watched["stalls_ms"]
