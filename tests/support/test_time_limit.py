import pytest

HANGS = """
import time, pytest

def test_it():
    time.sleep(60)

@pytest.mark.timeout(60)
def test_another():
    pass
"""
SWALLOWS_THE_LIMIT = """
import time
from tests.support import time_limit

time_limit.CLEANS_UP_WITHIN_S = 0.5

def wait():
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

def test_it():
    wait()
"""
HANGS_AFTER_A_FAILURE = """
import time, pytest

@pytest.fixture
def server():
    yield
    time.sleep(60)

def test_it(server):
    raise ValueError
"""


def test_a_test_that_hangs_fails_and_the_next_is_run(inner_pytest):
    with inner_pytest("time_limit", HANGS, limit_s=1) as child:
        child.wait(60)
    assert "Failed: Timeout" in child.output()
    assert "1 failed, 1 passed" in child.output()


def test_a_test_that_swallows_its_limit_ends_the_run_and_shows_where_it_was(inner_pytest):
    with inner_pytest("time_limit", SWALLOWS_THE_LIMIT, limit_s=1) as child:
        assert child.wait(60) == 1
    assert "in wait" in child.output()


def test_the_teardown_of_a_failed_test_has_a_limit_too(inner_pytest):
    with inner_pytest("time_limit", HANGS_AFTER_A_FAILURE, limit_s=1) as child:
        assert child.wait(60) == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 1 error" in child.output()
