"""What becomes of a test with the marker ``real_time`` that fails on a busy machine, and on a quiet one."""

import pytest

from tests.support import real_time_tests
from tests.support.real_time_bar import Outcome, Run
from tests.support.witness import Witness

FAILS = """
    import pytest

    RUNS = []

    @pytest.fixture
    def basket():
        return []

    {marker}
    def test_case(basket):
        RUNS.append(basket)
        basket.append("an order")
        assert basket == ["an order"]
        assert len(RUNS) > {failures}, f"failure {{len(RUNS)}}"
    """


def failing(times, marker="@pytest.mark.real_time"):
    return FAILS.format(failures=times, marker=marker)


@pytest.fixture
def machine(monkeypatch):
    """Sets how long the kernel says that threads waited for a CPU during each run."""

    def waited(seconds, others=0.0):
        class Kernel(Witness):
            def __exit__(self, *_):
                self.waited_for_cpu_s = seconds

        readings = iter(range(1000))
        monkeypatch.setattr(real_time_tests, "Witness", Kernel)
        monkeypatch.setattr(real_time_tests, "pressure_s", lambda: next(readings) * others)

    return waited


@pytest.mark.parametrize("waits", [(1.0, 0.0), (0.0, 1.0)], ids=["its own threads waited", "others waited"])
def test_a_test_that_fails_on_a_busy_machine_is_run_again_with_new_fixtures_and_counted(session, machine, waits):
    machine(*waits)
    result, written = session(failing(3))
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.OK
    assert [run["outcome"] for run in written["not_exact"][0]["runs"]] == ["disturbed"] * 3 + ["exact"]
    assert "failure 1" in written["not_exact"][0]["runs"][0]["reason"]


def test_a_test_that_always_fails_fails_on_a_busy_machine_too(session, machine):
    machine(1.0)
    result, written = session(failing(99))
    result.assert_outcomes(failed=1)
    assert written["totals"]["runs"] == real_time_tests.MOST_FAILURES


def test_a_test_that_has_passed_once_does_not_fail_for_good():
    failures = [Run(Outcome.FALSE)] + [Run(Outcome.DISTURBED)] * (real_time_tests.MOST_FAILURES - 1)
    assert real_time_tests.has_failed_for_good(failures)
    assert not real_time_tests.has_failed_for_good([*failures, Run(Outcome.EXACT)])


def test_a_test_that_fails_twice_on_a_quiet_machine_fails(session, machine):
    machine(0.0)
    result, written = session(failing(99))
    result.assert_outcomes(failed=1)
    assert (written["totals"]["runs"], written["totals"]["false"]) == (2, 2)


def test_a_test_that_fails_once_on_a_quiet_machine_is_a_false_run_and_has_to_pass_five_times(session, machine):
    machine(0.0)
    result, written = session(failing(1))
    result.assert_outcomes(passed=1)
    assert (written["totals"]["false"], written["totals"]["exact"]) == (1, 5)


def test_a_test_that_waits_for_a_real_stall_is_run_again_like_one_of_real_time(session, machine):
    machine(1.0)
    result, written = session(failing(1, marker="@pytest.mark.real_stall"))
    result.assert_outcomes(passed=1)
    assert (written["totals"]["disturbed"], written["totals"]["exact"]) == (1, 1)


def test_a_test_that_passes_is_one_exact_run(session, machine):
    machine(1.0)
    _, written = session(failing(0))
    assert (written["totals"]["runs"], written["totals"]["exact"]) == (1, 1)


def test_a_test_without_the_marker_fails_at_its_first_failure(session, machine):
    machine(1.0)
    result, written = session(failing(1, marker=""))
    result.assert_outcomes(failed=1)
    assert written is None


def test_a_test_that_is_skipped_has_measured_nothing(session, machine):
    machine(1.0)
    result, written = session("""
    import pytest

    @pytest.mark.real_time
    def test_case():
        pytest.skip("no uvloop")
    """)
    result.assert_outcomes(skipped=1)
    assert written is None


def test_a_fixture_that_fails_is_an_error_at_once(session, machine):
    machine(1.0)
    result, written = session("""
    import pytest

    @pytest.fixture
    def server():
        raise OSError("the port is taken")

    @pytest.mark.real_time
    def test_case(server):
        pass
    """)
    result.assert_outcomes(errors=1)
    assert written is None
