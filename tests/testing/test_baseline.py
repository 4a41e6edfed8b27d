"""The baseline: a project adopts loopwatch with the blocking calls it has, and fails on new ones.

Strict calls replace stalls where either will do, because they are found however short they are.
"""

import json

import pytest

from loopwatch.testing import baseline
from loopwatch.testing.baseline import Baseline, BaselineError, KnownCall
from loopwatch.testing.finding import Channel
from tests.testing.conftest import ASYNCIO
from tests.testing.findings import found

ONE = "async def test_blocks():\n    back_off()\n"
TWO = ONE + "\n\nasync def test_blocks_elsewhere():\n    time.sleep(STALL_S)\n"
SHARDS = """
def pytest_collection_modifyitems(config, items):
    config.hook.pytest_deselected(items=items[1:])
    del items[1:]
"""
UPDATE = ("--loopwatch-strict", "--loopwatch-baseline", "known.json", "--loopwatch-update-baseline")
USE = UPDATE[:3]


def functions(project, channel="strict_calls"):
    content = json.loads((project.path / "known.json").read_text(encoding="utf-8"))
    return [call["function"] for call in content[channel]]


def test_a_project_adopts_it_and_fails_only_on_what_is_new(stalling_project):
    stalling_project.tests(ONE)
    use = ("--loopwatch", *USE[1:])
    stalling_project.run(*use, "--loopwatch-update-baseline").assert_outcomes(passed=1)
    assert functions(stalling_project, "blocking_calls") == ["test_shop.back_off"]
    stalling_project.tests("\n\n" + TWO)  # lines may move
    result = stalling_project.run(*use)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["1 known blocking call:", "FAILED *::test_blocks_elsewhere - *"])


def test_an_update_in_a_run_of_some_tests_removes_nothing(project):
    project.tests(TWO)
    project.run(*UPDATE)
    project.run(*UPDATE, "-k", "elsewhere")
    assert functions(project) == ["test_shop.back_off", "test_shop.test_blocks_elsewhere"]


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["one process", "xdist"])
@pytest.mark.parametrize("addopts", ["-k elsewhere", "-m slow", "--deselect=test_shop.py::test_blocks_elsewhere"])
def test_a_selection_in_addopts_is_one_too(project, addopts, arguments):
    project.ini("markers = slow")
    project.tests(ONE + "\n\n@pytest.mark.slow\nasync def test_blocks_elsewhere():\n    time.sleep(STALL_S)\n")
    project.run(*UPDATE).assert_outcomes(passed=2)
    project.ini(f"markers = slow\naddopts = {addopts}")
    for options in (USE, UPDATE):
        result = project.run(*options, *arguments, plugins=(ASYNCIO, "xdist"))
        result.assert_outcomes(passed=1, deselected=0 if arguments else 1)
        result.stdout.no_fnmatch_line("*did not occur*")
    assert functions(project) == ["test_shop.back_off", "test_shop.test_blocks_elsewhere"]


def test_an_update_removes_nothing_if_a_plugin_has_deselected_tests(project):
    project.tests(TWO)
    project.run(*UPDATE)
    (project.path / "conftest.py").write_text(SHARDS, encoding="utf-8")
    project.run(*UPDATE).assert_outcomes(passed=1, deselected=1)
    assert functions(project) == ["test_shop.back_off", "test_shop.test_blocks_elsewhere"]


@pytest.mark.parametrize(
    ("testpaths", "named", "left"),
    [
        ("shop", ["shop"], ["test_pay.test_blocks"]),
        ("", [], ["test_pay.test_blocks"]),
        ("", ["."], ["test_pay.test_blocks"]),
        ("shop other", ["shop"], ["test_gone.test_blocks", "test_pay.test_blocks"]),
        ("", ["shop"], ["test_gone.test_blocks", "test_pay.test_blocks"]),
    ],
)
def test_an_update_removes_calls_that_did_not_occur_only_if_all_tests_ran(project, testpaths, named, left):
    project.ini(f"testpaths = {testpaths}")
    for folder, module in (("shop", "pay"), ("other", "ship")):
        (project.path / folder).mkdir()
        (project.path / folder / f"test_{module}.py").write_text(
            "import time\n\n\nasync def test_blocks():\n    time.sleep(0)\n" if module == "pay" else "",
            encoding="utf-8",
        )
    known = [{"blocking_call": "time.sleep", "function": "test_gone.test_blocks", "fingerprint": "f1"}]
    content = {"version": 1, "blocking_calls": [], "strict_calls": known}
    (project.path / "known.json").write_text(json.dumps(content))
    project.run(*UPDATE, *named).assert_outcomes(passed=1)
    assert functions(project) == left


@pytest.mark.parametrize("argument", ["--collect-only", "--maxfail=1"])
def test_an_update_in_a_run_that_ended_early_removes_nothing(project, argument):
    project.tests(ONE)
    project.run(*UPDATE)
    project.tests("def test_first():\n    assert 0\n")
    project.run(*UPDATE, argument)
    assert functions(project) == ["test_shop.back_off"]


def test_a_known_call_that_no_longer_occurs_is_reported_and_an_update_removes_it(project):
    project.tests(TWO)
    project.run(*UPDATE)
    project.tests(ONE)
    result = project.run(*USE)
    result.stdout.fnmatch_lines(
        ["1 of 2 calls in the baseline did not occur; --loopwatch-update-baseline removes them"]
    )
    project.run(*UPDATE)
    assert functions(project) == ["test_shop.back_off"]


@pytest.mark.parametrize(("tests", "calls"), [(ONE, "1 blocking call"), (TWO, "2 blocking calls")])
def test_the_summary_counts_the_calls_that_were_written(project, tests, calls):
    project.tests(tests)
    project.run(*UPDATE).stdout.fnmatch_lines([f"Baseline written: {calls} in *"])


def test_the_ini_file_may_name_the_baseline(project):
    project.ini("loopwatch_baseline = known.json")
    project.tests(ONE)
    project.run("--loopwatch-strict", "--loopwatch-update-baseline").assert_outcomes(passed=1)
    project.run("--loopwatch-strict").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--loopwatch"], "needs --loopwatch-baseline FILE"),
        (["--loopwatch-baseline", "known.json"], "needs --loopwatch, --loopwatch-strict or both"),
    ],
)
def test_an_update_needs_a_channel_and_a_file(project, arguments, message):
    with pytest.raises(pytest.UsageError, match=f"--loopwatch-update-baseline {message}"):
        project.configure("--loopwatch-update-baseline", *arguments)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("\udcff", "is not JSON"),
        ("[]", "it has no version"),
        ('{"version": "1"}', "it has no version"),
        ('{"version": true}', "it has no version"),
        ('{"version": 2, "blocking_calls": []}', "of version 2, but this loopwatch reads versions up to 1: update"),
        ('{"version": 1, "blocking_calls": [{"call": "x"}]}', "is not a valid baseline"),
        ('{"version": 1, "blocking_calls": 3}', "is not a valid baseline"),
        (
            '{"version": 1, "blocking_calls": [{"blocking_call": "x", "function": 1, "fingerprint": "x"}]}',
            "is not a valid baseline",
        ),
        pytest.param("[" * 100_000, "is not JSON", id="nested too deep"),
    ],
)
def test_a_file_that_is_not_a_baseline_is_refused_with_what_to_do(tmp_path, content, message):
    path = tmp_path / "known.json"
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(BaselineError) as refused:
        baseline.read(path)
    assert message in str(refused.value)
    assert "--loopwatch-update-baseline" in str(refused.value)


def test_a_written_baseline_can_be_read(tmp_path):
    path = tmp_path / "known.json"
    assert baseline.write(path, [found(function="shop.prüfen"), found(function="shop.prüfen")], Baseline()) == 1
    assert baseline.read(path) == Baseline(frozenset({KnownCall("time.sleep", "shop.prüfen", "f1")}))


def test_an_update_changes_nothing_if_another_part_of_a_library_took_the_time(tmp_path):
    path = tmp_path / "known.json"
    written = []
    for detail in ("zipfile.ZipFile.write", "openpyxl.cell.Cell.value"):
        kept = baseline.read(path) if written else Baseline()
        baseline.write(path, [found(called_name="openpyxl.Workbook.save", blocking_call=detail)], kept)
        written.append(path.read_text(encoding="utf-8"))
    assert written[0] == written[1]


def test_an_uncertain_call_is_known_by_its_function():
    known = Baseline(frozenset({KnownCall("time.sleep", "shop.pay", "f1")}))
    assert known.knows(found(blocking_call="json.dumps", fingerprint="f2", exact=False))
    assert not known.knows(found(blocking_call="json.dumps", fingerprint="f2", exact=True))
    assert not known.knows(found(function="shop.ship", fingerprint="f3", exact=False))


def test_an_uncertain_stall_is_not_known_by_a_strict_call_of_its_function():
    known = Baseline(frozenset({KnownCall("time.sleep", "shop.pay", "f1", Channel.STRICT)}))
    assert not known.knows(found(blocking_call="json.dumps", fingerprint="f2", exact=False))
