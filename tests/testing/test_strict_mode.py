"""``pytest --loopwatch-strict``: which tests fail, and what their failures say."""

import json

READS = """
from pathlib import Path


def settings():
    return Path(__file__).read_text()


async def test_reads():
    settings()


async def test_reads_in_a_thread():
    await asyncio.to_thread(settings)


def test_has_no_loop():
    settings()
"""


def test_a_test_that_makes_a_known_call_fails_with_the_call_the_line_and_the_cure(project):
    project.tests(READS)
    result = project.run("--loopwatch-strict", "--loopwatch-json", "found.json")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "test_shop.py:*: in test_reads",
            "    settings()",
            "test_shop.py:*: in settings",
            "    return Path(__file__).read_text()",
            "           ^^^^^^^^^^^^^^^^^^^^^^^^^^",
            "E   pathlib.Path.read_text is known to block the event loop",
            "E   in test_shop.settings, where it calls",
            "E     open (file)",
            "E     io.TextIOWrapper.read (file)",
            "E   Access files in a thread: asyncio has no API for files.",
            "1 new strict finding:",
            "  pathlib.Path.read_text in test_shop.settings (test_shop.py:*): open, io.*",
        ]
    )
    content = json.loads((project.path / "found.json").read_text())
    assert content["findings"] == []
    (finding,) = content["strict"]
    assert finding["blocking_call"] == "pathlib.Path.read_text"
    assert finding["calls"] == {"open": 1, "io.TextIOWrapper.read": 1}
    assert (finding["function"], finding["kind"], finding["verdict"]) == ("test_shop.settings", "file", "new")


def test_the_inner_frames_of_a_library_are_folded(project):
    project.tests("""
import httpx


async def test_makes_a_client():
    httpx.AsyncClient()
""")
    result = project.run("--loopwatch-strict")
    result.stdout.fnmatch_lines(
        [
            "test_shop.py:*: in test_makes_a_client",
            "    httpx.AsyncClient()",
            "    ^^^^^^^^^^^^^^^^^^^",
            "    … * frames of httpx",
            "*: in create_ssl_context",
            "E   httpx.AsyncClient is known to block the event loop",
        ]
    )


def test_strict_calls_and_stalls_are_never_mixed(stalling_project):
    stalling_project.tests("async def test_blocks():\n    back_off()\n")
    strict, stalls, both = (
        stalling_project.run(*options)
        for options in (["--loopwatch-strict"], ["--loopwatch"], ["--loopwatch", "--loopwatch-strict"])
    )
    for result in (strict, both):
        result.stdout.fnmatch_lines(["E   time.sleep is known to block the event loop"])
    for result in (stalls, both):
        result.stdout.fnmatch_lines(["E   time.sleep blocked the event loop for * ms"])
    strict.stdout.no_fnmatch_line("*blocked the event loop for*")
    stalls.stdout.no_fnmatch_line("*is known to block*")


def test_strict_mode_has_its_own_marker_argument_and_rules(project):
    project.ini("loopwatch_strict_allow =\n    time.sleep in test_shop.back_off\n    sqlite3.*")
    project.tests("""
import os


@pytest.mark.loopwatch(strict=True)
async def test_allowed_by_the_project():
    back_off()


@pytest.mark.loopwatch(strict=True, threshold_ms=60_000, allow=["os.stat"])
async def test_allowed_by_its_marker():
    os.stat(".")


@pytest.mark.loopwatch(strict=True)
async def test_not_allowed(loopwatch):
    os.stat(".")
    os.listdir(".")
    assert [call.name for call in loopwatch.take_strict()] == ["os.stat", "os.listdir"]
    os.getcwd()
""")
    result = project.run("--loopwatch-strict", "--loopwatch-threshold-ms", "60000")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "1 new strict finding:",
            "  os.getcwd in test_shop.test_not_allowed *",
            "2 allowed strict findings:",
            "1 unused rule, which can be removed:",
            "  sqlite3.[*]",
        ]
    )


def test_the_baseline_knows_strict_calls_too(project):
    project.tests(READS)
    known = ["--loopwatch-strict", "--loopwatch-baseline", "known.json"]
    project.run(*known, "--loopwatch-update-baseline").assert_outcomes(passed=3)
    project.run(*known).assert_outcomes(passed=3)
    content = json.loads((project.path / "known.json").read_text())
    assert content["blocking_calls"] == []
    assert [call["blocking_call"] for call in content["strict_calls"]] == ["pathlib.Path.read_text"]


def test_strict_mode_works_with_the_tracing_engine(stalling_project):
    stalling_project.tests("""
@pytest.mark.loopwatch(strict=True, engine="tracing")
async def test_blocks(loopwatch):
    back_off()
    assert [call.name for call in loopwatch.take_strict()] == ["time.sleep"]
    assert [call.method_name for call in loopwatch.take()] == ["time.sleep"]
""")
    stalling_project.run().assert_outcomes(passed=1)


def test_an_update_for_one_channel_leaves_the_other_as_it_was(stalling_project):
    stalling_project.tests("async def test_blocks():\n    back_off()\n")
    known = ["--loopwatch-baseline", "known.json"]
    stalling_project.run("--loopwatch", "--loopwatch-strict", *known, "--loopwatch-update-baseline")
    stalling_project.tests("def test_blocks_no_more():\n    pass\n")
    result = stalling_project.run("--loopwatch", *known)
    result.stdout.fnmatch_lines(
        ["1 of 1 calls in the baseline did not occur; --loopwatch-update-baseline removes them"]
    )
    stalling_project.run("--loopwatch", *known, "--loopwatch-update-baseline")
    content = json.loads((stalling_project.path / "known.json").read_text())
    assert content["blocking_calls"] == []
    assert [call["blocking_call"] for call in content["strict_calls"]] == ["time.sleep"]


def test_a_test_that_removes_its_folder_fails_for_what_it_did_and_the_run_goes_on(project):
    project.tests("""
import os


async def test_removes_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()
    os.stat("/")


def test_is_run_too():
    pass
""")
    result = project.run("--loopwatch-strict")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*os.stat is known to block the event loop"])
