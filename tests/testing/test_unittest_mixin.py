"""The mixin and the assertion without pytest, under unittest's runner and Django's."""

import asyncio
import os
import sys
import time
import unittest

import pytest
from django.test import SimpleTestCase

from loopwatch.testing import AssertDoesNotBlockMixin, LoopWatchTestMixin
from loopwatch.testing.watched_test import WatchedTest
from tests.support import children
from tests.support.witness import Witness
from tests.testing.conftest import account_for

pytestmark = pytest.mark.real_time

STALL_S = 0.15


def back_off():
    time.sleep(STALL_S)


async def slow():
    back_off()


@pytest.fixture
def failures_of(real_time, monkeypatch):
    """Return a function that runs one test as ``unittest`` does and returns the texts of its failures."""
    disturbances = []

    def leave(watched, watcher):
        """Collect the disturbances, which a test case does not report."""
        left(watched, watcher)
        disturbances.extend(watcher.disturbances)

    def run_test(cls, name="test"):
        for run in real_time.runs():
            with Witness() as witness:
                result = unittest.TestResult()
                unittest.TestSuite([cls(name)]).run(result)
            assert result.errors == []
            assert result.testsRun == 1 or result.skipped  # which Python 3.12.1 does not count
            account_for(run, disturbances, witness)
            disturbances.clear()
        return [text for _, text in result.failures]

    left = WatchedTest._leave
    monkeypatch.setattr(WatchedTest, "_leave", leave)
    return run_test


# The classes are not for pytest to collect, so they are made inside of functions.


@pytest.mark.parametrize("parent", [unittest.IsolatedAsyncioTestCase, SimpleTestCase])
def test_an_async_test_that_blocks_fails_with_the_call_and_the_line(parent, failures_of):
    class Tests(LoopWatchTestMixin, parent):
        async def test(self):
            await slow()

        async def test_quick(self):
            await asyncio.sleep(STALL_S)

    (text,) = failures_of(Tests)
    assert "time.sleep blocked the event loop for" in text
    assert "    time.sleep(STALL_S)\n    ^^^^^^^^^^^^^^^^^^^\n" in text
    assert "in tests.testing.test_unittest_mixin.back_off, waiting; the threshold is 50 ms" in text
    assert failures_of(Tests, "test_quick") == []


def test_a_sync_test_that_runs_a_loop_is_watched(failures_of):
    class Tests(LoopWatchTestMixin, unittest.TestCase):
        def test(self):
            asyncio.run(slow())

        def test_without_a_loop(self):
            back_off()

    assert len(failures_of(Tests)) == 1
    assert failures_of(Tests, "test_without_a_loop") == []


def test_set_up_and_tear_down_count(failures_of):
    class Tests(LoopWatchTestMixin, unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            back_off()

        async def asyncTearDown(self):
            back_off()

        async def test(self):
            pass

    (text,) = failures_of(Tests)
    assert "time.sleep blocked the event loop 2 times, up to" in text


def test_attributes_of_the_class_set_the_rules_and_the_threshold(failures_of):
    class Allowing(LoopWatchTestMixin, unittest.IsolatedAsyncioTestCase):
        loopwatch_allow = ("time.sleep in tests.testing.*",)

        async def test(self):
            await slow()

    class Patient(LoopWatchTestMixin, unittest.IsolatedAsyncioTestCase):
        loopwatch_threshold_ms = 20_000

        async def test(self):
            await slow()

    assert failures_of(Allowing) == failures_of(Patient) == []


def test_strict_mode_finds_calls_that_take_no_time(failures_of):
    class Tests(LoopWatchTestMixin, SimpleTestCase):
        loopwatch_strict = True

        async def test(self):
            os.stat(".")  # noqa: PTH116

    (text,) = failures_of(Tests)
    assert "os.stat is known to block the event loop" in text


def test_a_test_that_fails_keeps_its_failure(failures_of):
    class Tests(LoopWatchTestMixin, unittest.IsolatedAsyncioTestCase):
        async def test(self):
            await slow()
            self.fail("its own")

    own, blocked = failures_of(Tests)
    assert "AssertionError: its own" in own
    assert "time.sleep blocked" in blocked


def test_a_skipped_test_leaves_nothing_behind(failures_of):
    class Tests(LoopWatchTestMixin, unittest.IsolatedAsyncioTestCase):
        @unittest.skip("for another day")
        async def test(self):
            await slow()

    run_before = asyncio.events.Handle._run
    assert failures_of(Tests) == []
    assert asyncio.events.Handle._run is run_before


def test_a_test_expected_to_fail_may_block(failures_of):
    class Tests(LoopWatchTestMixin, unittest.IsolatedAsyncioTestCase):
        @unittest.expectedFailure
        async def test(self):
            await slow()

    assert failures_of(Tests) == []


# The assertion


class Asserting(AssertDoesNotBlockMixin, unittest.TestCase):
    """Provides the assertion; its tests are never run."""


async def test_the_assertion_covers_the_step_it_is_used_in():
    test = Asserting()
    back_off()
    with pytest.raises(AssertionError, match=r"time\.sleep blocked"), test.assertDoesNotBlock(threshold_ms=50):
        back_off()
    back_off()


def test_the_assertion_covers_the_loops_of_other_threads():
    with pytest.raises(AssertionError, match=r"time\.sleep blocked"), Asserting().assertDoesNotBlock():
        asyncio.run(asyncio.to_thread(asyncio.run, slow()))


async def test_the_assertion_passes_if_nothing_blocks():
    with Asserting().assertDoesNotBlock(strict=True):
        await asyncio.sleep(STALL_S)
        await asyncio.to_thread(back_off)


async def test_the_assertion_has_rules_and_strict_mode():
    test = Asserting()
    with test.assertDoesNotBlock(allow=["time.sleep"]):
        back_off()
    with pytest.raises(AssertionError, match="is known to block"), test.assertDoesNotBlock(strict=True):
        time.sleep(0)
    with pytest.raises(ValueError, match="steam"), test.assertDoesNotBlock(engine="steam"):
        pass


async def test_an_exception_of_the_code_leaves_the_assertion_unchanged():
    with pytest.raises(ZeroDivisionError), Asserting().assertDoesNotBlock():
        back_off()
        _ = 1 / 0


# Django's runner

TESTS = """
import time

from django.test import TestCase

from loopwatch.testing import LoopWatchTestMixin


class ShopTests(LoopWatchTestMixin, TestCase):
    async def test_blocks(self):
        time.sleep(0.2)

    async def test_does_not(self):
        pass
"""


def test_manage_py_test_fails_what_blocks(tmp_path):
    (tmp_path / "settings.py").write_text(
        'SECRET_KEY = "x"\nDATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}\n'
    )
    (tmp_path / "test_shop.py").write_text(TESTS)
    environment = os.environ | {"PYTHONPATH": os.getcwd(), "DJANGO_SETTINGS_MODULE": "settings"}  # noqa: PTH109
    command = [sys.executable, "-m", "django", "test", "--pythonpath", "."]
    ran = children.run(command, cwd=tmp_path, env=environment)
    assert "FAILED (failures=1)" in ran.stderr
    assert "time.sleep blocked the event loop for" in ran.stderr
    assert "    time.sleep(0.2)\n    ^^^^^^^^^^^^^^^\n" in ran.stderr
