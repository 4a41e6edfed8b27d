"""``python -m tests``: what its status is, and that each test is in exactly one of its lanes."""

import re
from pathlib import Path

import pytest

from tests.__main__ import ALL, IN_PYTHON, ORDINARY, worst

OK, FAILED, USAGE, NONE = 0, 1, 4, 5


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([OK, OK], OK),
        ([OK, FAILED], FAILED),
        ([FAILED, OK], FAILED),
        ([FAILED, USAGE], USAGE),
        ([NONE, OK], OK),
        ([NONE, FAILED], FAILED),
        ([NONE, NONE], NONE),
        ([OK, -9], -9),
    ],
)
def test_a_lane_without_tests_fails_no_run_but_one_that_has_none_at_all(statuses, status):
    assert worst(statuses) == status


def test_every_ordinary_test_is_in_one_lane():
    names = [{"real_time": is_real_time, "catalogue": False} for is_real_time in (True, False)]
    assert ORDINARY == "not catalogue"
    for marks in names:
        assert [eval(lane.tests, {}, marks) for lane in ALL].count(True) == 1


def test_the_tests_of_the_hot_path_run_with_both_of_its_forms():
    marks = {"real_time": False, "hot_path": True}
    assert eval(IN_PYTHON.tests, {}, marks)
    assert not eval(IN_PYTHON.tests, {}, marks | {"hot_path": False})
    assert IN_PYTHON.environment == {"LOOPWATCH_PURE_PYTHON": "1"}


def test_the_tests_that_ci_names_exist():
    root = Path(__file__).parent.parent
    named = re.findall(r"\btests/[\w/.]*\w", (root / ".ci" / "run").read_text())
    assert named
    assert [path for path in named if not (root / path).exists()] == []


def test_hosted_ci_fails_without_the_same_programs_as_ci_on_one_machine_but_for_the_browser():
    root = Path(__file__).parent.parent
    files = root / ".ci" / "run", root / ".github" / "workflows" / "ci.yml"
    if not all(file.exists() for file in files):
        pytest.skip("These files are only in the repository")
    here, hosted = ({*re.findall(r"LOOPWATCH_TESTS_NEED_(\w+)", file.read_text())} for file in files)
    assert here == hosted | {"CHROMIUM"}
