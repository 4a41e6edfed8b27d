"""``pytest --loopwatch``: which tests fail, and what their failures say."""

import tomllib

import pytest

from tests.testing.conftest import ANYIO, ASYNCIO, ROOT, StallingProject

BLOCKS_AND_WAITS = """
async def test_blocks():
    back_off()


async def test_waits():
    await asyncio.sleep(STALL_S)


def test_has_no_loop():
    back_off()
"""


def test_a_test_that_blocks_the_loop_fails_with_the_call_the_line_and_the_stack(stalling_project):
    stalling_project.tests(BLOCKS_AND_WAITS)
    result = stalling_project.run("--loopwatch")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*_ test_blocks _*",
            "test_shop.py:*: in test_blocks",
            "    back_off()",
            "    ^^^^^^^^^^",
            "test_shop.py:*: in back_off",
            "    time.sleep(STALL_S)",
            "    ^^^^^^^^^^^^^^^^^^^",
            "E   time.sleep blocked the event loop for * ms",
            "E   in test_shop.back_off, waiting; the threshold is 50 ms",
            "FAILED test_shop.py::test_blocks - time.sleep blocked the event loop for *",
        ]
    )


def test_the_plugin_watches_and_imports_nothing_unless_asked(stalling_project):
    stalling_project.tests(
        BLOCKS_AND_WAITS
        + """
def test_what_is_imported():
    import sys

    imported = {name for name in sys.modules if name.startswith("loopwatch")}
    assert imported == {"loopwatch", "loopwatch._version", "loopwatch.in_tests", "loopwatch.pytest_plugin"}
    assert "django" not in sys.modules
"""
    )
    stalling_project.run_in_new_process().assert_outcomes(passed=4)


def test_watching_does_not_import_django(project):
    project.tests('async def test_imports():\n    import sys\n\n    assert "django" not in sys.modules\n')
    project.run_in_new_process("--loopwatch").assert_outcomes(passed=1)


def test_a_marked_test_is_watched_without_the_option(stalling_project):
    stalling_project.tests(
        BLOCKS_AND_WAITS
        + """
@pytest.mark.loopwatch
async def test_marked():
    back_off()
"""
    )
    result = stalling_project.run()
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_shop.py::test_marked - time.sleep blocked *"])


def test_the_nearest_marker_wins(stalling_project):
    stalling_project.tests("""
pytestmark = pytest.mark.loopwatch(threshold_ms=5000, allow=["no.such.call"])


async def test_below_the_threshold_of_its_module():
    back_off()


@pytest.mark.loopwatch(threshold_ms=50)
async def test_above_its_own():
    back_off()


@pytest.mark.loopwatch(threshold_ms=50, allow=["time.sleep in test_shop.*"])
async def test_allowed():
    back_off()


@pytest.mark.loopwatch(threshold_ms=50, enabled=False)
async def test_left_alone():
    back_off()
""")
    result = stalling_project.run()
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_shop.py::test_above_its_own - *", "*3 passed*"])


def test_a_marker_can_ask_for_exact_times(stalling_project):
    stalling_project.tests("""
@pytest.mark.loopwatch(engine="tracing")
async def test_blocks(loopwatch):
    back_off()
    assert [call.engine for call in loopwatch.take()] == ["tracing"]
""")
    stalling_project.run().assert_outcomes(passed=1)


def test_a_mistake_in_a_marker_stops_the_run_before_it_begins(project):
    project.tests("@pytest.mark.loopwatch(treshold_ms=20)\ndef test_one():\n    pass\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_shop.py::test_one: marker loopwatch: unknown argument 'treshold_ms' (did *"])


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("loopwatch_threshold_ms = soon", "loopwatch_threshold_ms must be a number of milliseconds, not 'soon'"),
        ("loopwatch_engine = steam", "Unknown engine 'steam'"),
        ("loopwatch_phases = call tear_down", "loopwatch_phases: unknown phase 'tear_down': setup, call, teardown"),
        ("loopwatch_allow = in x", "loopwatch_allow: the rule 'in x' is not of the form"),
        ("loopwatch_baseline = gone.json", "gone.json does not exist; --loopwatch-update-baseline writes it"),
    ],
)
def test_a_mistake_in_the_ini_file_is_refused_with_the_valid_values(project, ini, message):
    project.ini(ini)
    with pytest.raises(pytest.UsageError, match=message):
        project.configure("--loopwatch")


def test_a_failing_test_keeps_its_failure_and_reports_what_blocked_beside_it(stalling_project):
    stalling_project.tests("async def test_fails():\n    back_off()\n    assert 0, 'its own'\n")
    result = stalling_project.run("--loopwatch")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*AssertionError: its own*", "time.sleep blocked the event loop for * ms, in test_shop.*"]
    )


def test_an_expected_failure_stays_one(stalling_project):
    stalling_project.tests("""
@pytest.mark.xfail(strict=True)
async def test_fails_as_expected():
    back_off()
    assert 0


@pytest.mark.xfail
async def test_passes_unexpectedly():
    back_off()
""")
    stalling_project.run("--loopwatch").assert_outcomes(xfailed=1, xpassed=1)


def test_a_test_can_take_its_findings_and_check_them_itself(stalling_project):
    stalling_project.tests("""
async def test_blocks_on_purpose(loopwatch):
    back_off()
    assert [call.method_name for call in loopwatch.take()] == ["time.sleep"]
    await asyncio.sleep(0)
    assert loopwatch.take() == []


async def test_blocks_again_afterwards(loopwatch):
    loopwatch.take()
    back_off()
""")
    result = stalling_project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_shop.py::test_blocks_again_afterwards - time.sleep *"])


FIXTURES = """
@pytest.fixture
async def shop():
    back_off()
    yield
    back_off()


async def test_uses_them(shop):
    pass
"""


def test_fixtures_may_block_unless_their_phase_is_watched(stalling_project):
    stalling_project.tests(FIXTURES)
    stalling_project.run("--loopwatch").assert_outcomes(passed=1)


def test_stalls_of_fixtures_are_reported_with_their_phase(stalling_project):
    stalling_project.ini("loopwatch_phases = setup call teardown")
    stalling_project.tests(FIXTURES)
    result = stalling_project.run("--loopwatch")
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "E   time.sleep blocked the event loop for * ms in teardown",
            "E   time.sleep blocked the event loop for * ms in setup",
        ]
    )


def test_the_loop_of_a_whole_session_is_watched(stalling_project):
    stalling_project.tests("""
@pytest.mark.asyncio(loop_scope="session")
async def test_first():
    pass


@pytest.mark.asyncio(loop_scope="session")
async def test_second():
    back_off()
""")
    stalling_project.run("--loopwatch").assert_outcomes(passed=1, failed=1)


def test_anyio_is_watched(stalling_project):
    stalling_project.tests("""
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_blocks():
    back_off()
""")
    stalling_project.run("--loopwatch", plugins=[ANYIO]).assert_outcomes(failed=1)


def test_many_stalls_of_the_same_call_are_reported_as_one(stalling_project):
    stalling_project.tests("""
async def test_blocks():
    for _ in range(3):
        back_off()
        await asyncio.sleep(0)


async def test_blocks_in_many_places():
    for index in range(8):
        exec(f"async def step_{index}():\\n  time.sleep(STALL_S)", globals())
        await asyncio.create_task(globals()[f"step_{index}"]())
""")
    result = stalling_project.run("--loopwatch", "--loopwatch-json", "found.json")
    result.stdout.fnmatch_lines(["E   time.sleep blocked the event loop 3 times, up to * ms"])
    result.stdout.fnmatch_lines(["3 more not shown. Also:"])
    assert stalling_project.found()[0]["events"] == 3
    assert stalling_project.found()[0]["blocked_ms"] >= 3000 * StallingProject.stall_s


# The end of a run


def test_the_summary_and_the_json_file_contain_all_findings(stalling_project):
    stalling_project.ini("loopwatch_allow = time.sleep in test_shop.* during *[allowed]")
    stalling_project.tests("""
@pytest.mark.parametrize("case", ["allowed", "not allowed", "nor this"])
async def test_blocks(case):
    back_off()
""")
    result = stalling_project.run("--loopwatch", "--loopwatch-json", "found.json")
    result.stdout.fnmatch_lines(
        [
            "*= loopwatch =*",
            "1 new blocking call:",
            "  time.sleep in test_shop.back_off (test_shop.py:*): 2 times, longest * ms, in 2 tests",
            "1 allowed blocking call:",
            "  time.sleep in test_shop.back_off (test_shop.py:*): * ms, in test_shop.py::test_blocks[[]allowed] *",
        ]
    )
    finding, allowed = stalling_project.found()
    assert (allowed["verdict"], allowed["rule"]) == ("allowed", "time.sleep in test_shop.* during *[allowed]")
    assert allowed["tests"] == {"test_shop.py::test_blocks[allowed]": 1}
    assert finding["blocking_call"] == "time.sleep"
    assert finding["function"] == "test_shop.back_off"
    assert finding["filename"] == "test_shop.py"
    assert finding["source"] == "time.sleep(STALL_S)"
    assert finding["verdict"] == "new"
    assert finding["events"] == 2
    assert finding["blocked_ms"] >= 2000 * StallingProject.stall_s
    assert [frame["function"] for frame in finding["stack"]] == ["test_shop.test_blocks", "test_shop.back_off"]


WITH_RULES = """
@pytest.mark.parametrize("case", "ab")
@pytest.mark.loopwatch(allow=["time.sleep during *b]", "json.*"])
async def test_blocks(case):
    back_off()
"""


def test_rules_that_matched_nothing_are_reported(project):
    project.ini("loopwatch_strict_allow =\n  time.sleep during *::test_blocks[a]\n  requests.* in shop.*")
    project.tests(WITH_RULES)
    result = project.run("--loopwatch-strict")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "2 unused rules, which can be removed:",
            "  requests.* in shop.*",
            "  json.* (marker of test_shop.py::test_blocks)",
        ]
    )


@pytest.mark.parametrize("arguments", [["-k", "a"], ["test_shop.py::test_blocks"], ["test_shop.py"]])
def test_a_run_of_some_tests_does_not_report_unused_rules(project, arguments):
    project.ini("loopwatch_strict_allow =\n  time.sleep\n  requests.* in shop.*")
    project.tests(WITH_RULES)
    result = project.run("--loopwatch-strict", *arguments)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*unused rule*")


def test_the_rules_of_a_test_that_failed_early_are_not_reported_as_unused(project):
    project.tests("""
@pytest.mark.loopwatch(allow=["time.sleep"])
async def test_fails():
    assert 0
""")
    result = project.run("--loopwatch-strict")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*unused rule*")


def test_a_json_file_that_cannot_be_written_is_refused_at_once(project):
    with pytest.raises(pytest.UsageError, match=r"--loopwatch-json no/such/folder\.json: cannot write a file there"):
        project.configure("--loopwatch", "--loopwatch-json", "no/such/folder.json")


def test_a_fixture_requested_too_late_fails_only_its_own_test(project):
    project.tests("""
@pytest.fixture
def till():
    yield
    print("the till is closed")


def test_requests_it_late(request, till):
    request.getfixturevalue("loopwatch")


@pytest.fixture
def shelf():
    yield


def test_next(shelf):
    pass
""")
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*request the fixture as an argument of the test*", "the till is closed"])


def test_the_plugin_is_an_entry_point_of_the_package():
    with (ROOT / "pyproject.toml").open("rb") as file:
        points = tomllib.load(file)["project"]["entry-points"]["pytest11"]
    assert points == {"loopwatch": "loopwatch.pytest_plugin"}


# Workers


def test_findings_of_workers_are_added_up(stalling_project):
    stalling_project.tests(
        BLOCKS_AND_WAITS
        + """
@pytest.mark.loopwatch(treshold_ms=20)
def test_with_a_mistake():
    pass
"""
    )
    result = stalling_project.run(
        "--loopwatch", "--loopwatch-json", "found.json", "-n", "2", plugins=[ASYNCIO, "xdist"]
    )
    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(["*unknown argument 'treshold_ms'*"])
    result.stdout.fnmatch_lines(["E   time.sleep blocked the event loop for * ms"])
    assert [finding["blocking_call"] for finding in stalling_project.found()] == ["time.sleep"]


def test_what_workers_find_in_marked_tests_is_reported_without_the_option(stalling_project):
    stalling_project.tests("""
@pytest.mark.loopwatch
async def test_marked():
    back_off()
""")
    result = stalling_project.run("-n", "1", plugins=[ASYNCIO, "xdist"])
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*= loopwatch =*", "1 new blocking call:"])
