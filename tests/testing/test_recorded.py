"""A site under test is not recorded, unless the test asks for it."""

import asyncio
import time
import unittest

import pytest
from django.test import utils

from loopwatch import in_tests, site_monitor
from loopwatch.testing import LoopWatchTestMixin, record_stalls
from loopwatch.testing.judge import Judge
from loopwatch.testing.options import Options
from loopwatch.testing.watched_test import WatchedTest
from tests.testing.conftest import ASYNCIO

# What a site has, whose tests go through its wrapped application. Nothing else is in its database.
SETTINGS = """
from tests.settings import *

ASGI_APPLICATION = "asgi.application"
LOOPWATCH = {"THRESHOLD_MS": 10}
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.db", "TEST": {"NAME": "test.db"}}}
"""
ASGI = """
import time

from channels.generic.websocket import AsyncWebsocketConsumer
from django.core.asgi import get_asgi_application
from loopwatch.asgi import LoopWatch

django = get_asgi_application()


class Slow(AsyncWebsocketConsumer):
    async def receive(self, text_data):
        time.sleep(0.1)
        await self.send(text_data)


application = LoopWatch(Slow.as_asgi())
"""
TESTS = """
import threading

import pytest
from asgi import application
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator

from loopwatch.models import LoopTime
from loopwatch.testing import record_stalls


async def greet():
    socket = WebsocketCommunicator(application, "/chat/")
    await socket.connect(timeout=60)
    await socket.send_to("hello")
    assert await socket.receive_from(timeout=60) == "hello"
    await socket.disconnect(timeout=60)


def is_watched():
    return any(thread.name.startswith("loopwatch") for thread in threading.enumerate())


@pytest.mark.django_db(transaction=True)
async def test_is_not_recorded():
    await greet()
    assert not is_watched()


@pytest.mark.django_db(transaction=True)
async def test_is_recorded():
    with record_stalls():
        await greet()
        assert is_watched()
    assert not is_watched()
    assert await LoopTime.objects.aexists()
"""


@pytest.fixture
def unasked(monkeypatch):
    """Record nothing that the test does not ask for, as if it ran without the plugin."""
    monkeypatch.setattr(in_tests._run, "asking", 0)
    monkeypatch.setattr(in_tests._run, "tools", 0)


def test_a_wrapped_site_is_recorded_only_by_a_test_that_asks_for_it(project, monkeypatch):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "site_settings")
    project.ini("pythonpath = .")
    for name, source in (("site_settings", SETTINGS), ("asgi", ASGI)):
        (project.path / f"{name}.py").write_text(source, encoding="utf-8")
    project.tests(TESTS)
    result = project.run_in_new_process(plugins=[ASYNCIO, "pytest_django.plugin"])
    result.assert_outcomes(passed=2)
    assert "no such table" not in result.stdout.str() + result.stderr.str()


async def watches_a_loop():
    try:
        return site_monitor.watch_running_loop() is not None
    finally:
        site_monitor.stop(60)


def test_djangos_test_environment_is_recognized(unasked, settings):
    settings.LOOPWATCH = {"SINKS": []}
    assert not asyncio.run(watches_a_loop())
    with in_tests.recording():
        assert asyncio.run(watches_a_loop())


def test_outside_of_tests_a_site_is_recorded(unasked, monkeypatch):
    monkeypatch.delattr(utils._TestState, "saved_data")
    assert in_tests.is_recording_wanted()


def test_pytest_without_django_is_recognized_while_it_runs(project):
    project.tests("""
def test_site():
    from loopwatch import in_tests
    assert not in_tests._is_djangos_test_environment()
    assert not in_tests.is_recording_wanted()
""")
    project.run_in_new_process().assert_outcomes(passed=1)
    before = in_tests._run.tools
    project.tests("def test_passes(): pass")
    project.run().assert_outcomes(passed=1)
    assert in_tests._run.tools == before


def test_a_test_case_with_the_mixin_is_recognized_without_django(unasked, monkeypatch):
    monkeypatch.delattr(utils._TestState, "saved_data")
    wanted = []

    class Tests(LoopWatchTestMixin, unittest.IsolatedAsyncioTestCase):
        async def test(self):
            wanted.append(in_tests.is_recording_wanted())

    unittest.TestSuite([Tests("test")]).run(unittest.TestResult())
    assert wanted == [False]
    assert in_tests.is_recording_wanted()


@pytest.mark.real_time
def test_waiting_for_what_is_recorded_is_no_finding(unasked, settings):
    def is_slow(_call):
        time.sleep(0.3)

    async def blocks():
        with record_stalls():
            site_monitor.watch_running_loop()
            await asyncio.sleep(0)
            time.sleep(0.05)
            await asyncio.sleep(0)

    settings.LOOPWATCH = {"THRESHOLD_MS": 10, "SINKS": [], "ON_BLOCKING_CALL": is_slow}
    watched = WatchedTest("test", Judge(), Options(threshold_ms=10))
    watched.begin("call", stalls=True, strict=True)
    asyncio.run(blocks())
    watched.end()
    assert {finding.blocking_call for finding in watched.take_findings()} == {"time.sleep"}
