"""``ENABLED`` decides once in each process whether it is watched: by a value, by chance or by a callable."""

import asyncio

import pytest

from loopwatch import site_monitor
from loopwatch.conf import is_process_chosen


@pytest.fixture(autouse=True)
def stopped():
    yield
    site_monitor.stop(60)


def raises():
    raise RuntimeError("not today")


def exits():
    raise SystemExit("not today")


@pytest.mark.parametrize(
    ("enabled", "chosen"),
    [(True, True), (False, False), (1, True), (0, False), (1.0, True), (0.0, False), (lambda: 1, True), (dict, False)],
)
def test_an_enabled_value_of_zero_or_one_leaves_nothing_to_chance(enabled, chosen):
    assert {is_process_chosen(enabled) for _ in range(100)} == {chosen}


def test_a_probability_chooses_about_that_share_of_the_processes():
    assert 400 < sum(is_process_chosen(0.25) for _ in range(2000)) < 600


@pytest.mark.parametrize("enabled", [raises, exits])
def test_a_callable_that_raises_leaves_the_process_unwatched_and_is_logged(enabled, caplog):
    assert is_process_chosen(enabled) is False
    (record,) = caplog.records
    assert "not watched" in record.message
    assert "not today" in caplog.text


async def test_enabled_is_decided_once_in_each_process_even_if_watching_stops_in_between(settings):
    asked = []
    settings.LOOPWATCH = {"ENABLED": lambda: asked.append(1) or True, "SINKS": []}
    for _ in range(3):
        assert site_monitor.watch_running_loop() is not None
        assert site_monitor.stop(60)
        await asyncio.sleep(0)
    assert len(asked) == 1


async def test_a_process_that_is_not_chosen_is_never_chosen_later(settings):
    answers = iter([False, True])
    settings.LOOPWATCH = {"ENABLED": lambda: next(answers), "SINKS": []}
    assert [site_monitor.watch_running_loop() for _ in range(3)] == [None] * 3


async def test_a_dotted_path_of_a_callable_decides_whether_a_process_is_watched(settings):
    settings.LOOPWATCH = {"ENABLED": "tests.test_enabled.raises", "SINKS": []}
    assert site_monitor.watch_running_loop() is None


async def test_a_forked_process_decides_for_itself_whether_it_is_watched(settings):
    """A forked process begins with its own ``SiteMonitor``."""
    answers = iter([False, True])
    settings.LOOPWATCH = {"ENABLED": lambda: next(answers), "SINKS": []}
    assert site_monitor.watch_running_loop() is None
    child = site_monitor.SiteMonitor()
    assert child.watch_running_loop() is not None
    assert child.stop(60)
