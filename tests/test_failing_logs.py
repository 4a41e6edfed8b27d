"""A filter or handler of the site's logging that raises: the log line is lost, and nothing else is."""

import asyncio
import io
import logging
import sys
import time

import pytest

from loopwatch import site_monitor, watch
from loopwatch.detection.loggers import SafeLogger, logger_of
from loopwatch.models import Finding
from loopwatch.recorder import outage
from tests.recorder.calls import blocking_call
from tests.recorder.conftest import recorder_of
from tests.support.waiting import wait_until

__all__ = ["recorder_of"]

ENOUGH_TO_BE_LOGGED = 5


class ForRequests(logging.Filter):
    """A filter for the log of requests, which the site has put on every handler by mistake."""

    def filter(self, record):
        return record.request.user.is_staff


@pytest.fixture(autouse=True)
def failing_handler(monkeypatch):
    monkeypatch.setattr(SafeLogger, "has_failed", False)
    handler, logger = logging.StreamHandler(io.StringIO()), logging.getLogger("loopwatch")
    handler.addFilter(ForRequests())
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def test_only_the_first_exception_is_printed(capsys):
    for _ in range(3):
        logger_of("recorder").error("A line")
    assert capsys.readouterr().err.count("AttributeError: 'LogRecord' object has no attribute 'request'") == 1


def test_a_filter_cannot_end_the_process(failing_handler):
    def leave(_record):
        raise SystemExit

    failing_handler.addFilter(leave)
    failing_handler.filters.reverse()
    logger_of("recorder").error("A line")


def test_an_exception_that_cannot_be_printed_is_ignored(monkeypatch):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    logger_of("recorder").error("A line")


def test_a_line_names_the_place_that_has_written_it(failing_handler, caplog):
    logging.getLogger("loopwatch").removeHandler(failing_handler)
    logger_of().error("A line")
    assert [(record.filename, record.funcName) for record in caplog.records] == [
        ("test_failing_logs.py", "test_a_line_names_the_place_that_has_written_it")
    ]


def test_stalls_of_an_outage_are_written_after_it(recorder_of, database, monkeypatch):
    monkeypatch.setattr(outage, "FIRST_RETRY_S", 0.01)
    recorder = recorder_of(flush_interval_s=0.05)
    table = Finding._meta.db_table
    with database.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
        try:
            recorder.put(blocking_call())
            wait_until(lambda: recorder.stats().errors.get("database", 0) > ENOUGH_TO_BE_LOGGED)
        finally:
            cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")
    assert recorder.flush(60)
    assert recorder.stats().stored == 1


class Exits(logging.Filter):
    def filter(self, _record):
        raise SystemExit


@pytest.mark.parametrize("failing_filter", [ForRequests(), Exits()])
def test_every_stall_reaches_the_log_sink_and_flushing_ends(recorder_of, failing_handler, failing_filter):
    failing_handler.filters = [failing_filter]
    recorder = recorder_of(sinks=("log",))
    for _ in range(3):
        recorder.put(blocking_call())
    assert recorder.flush(60)


async def test_a_site_whose_settings_are_wrong_is_served(settings):
    settings.LOOPWATCH = {"NO_SETTING": 1}
    assert site_monitor.watch_running_loop() is None


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, ValueError])
def test_a_subscriber_that_raises_does_not_end_the_watchdog(error):
    def receive(_call):
        raise error

    async def stall_twice():
        for _ in range(2):
            time.sleep(0.02)
            await asyncio.sleep(0)

    with watch(threshold_ms=10) as outer, watch(threshold_ms=10) as failing:
        failing.receive = receive
        asyncio.run(stall_twice())
    # On a busy machine other steps may be long enough as well.
    assert len(outer.calls) + len(outer.disturbances) >= 2


def test_an_error_that_cannot_be_printed_is_counted(recorder_of):
    class SilentError(Exception):
        def __str__(self):
            raise ValueError

    errors = recorder_of().errors
    errors.count("database", SilentError())
    assert errors.last == "database: SilentError: no text"
