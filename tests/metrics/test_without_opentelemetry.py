"""A site without OpenTelemetry, with an incomplete one, or with an SDK that fails is watched."""

import sys

import pytest

from loopwatch.checks.settings import check_metrics
from loopwatch.conf import Configuration
from loopwatch.metrics.availability import is_available
from loopwatch.metrics.instruments import instruments
from loopwatch.recorder.health import Errors
from loopwatch.recorder.loop_times import LoopTimes
from loopwatch.recorder.recorder import Recorder
from loopwatch.recorder.sinks import sinks
from tests.recorder.calls import blocking_call
from tests.support.children import run

SITE = """
import asyncio, sys, time
{before}
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["loopwatch"], SECRET_KEY="x", DATABASES={{}},
    LOOPWATCH={{
        "SINKS": ["log", "metrics"], "THRESHOLD_MS": 40,
        "ON_BLOCKING_CALL": lambda call: print(call.method_name, call.otel_span),
    }},
)
import django; django.setup()
from loopwatch.asgi import LoopWatch
from loopwatch import site_monitor

async def application(scope, receive, send):
    time.sleep(0.2)

scope = {{"type": "http", "method": "GET", "path": "/"}}
asyncio.run(LoopWatch(application)(scope, None, None))
assert site_monitor.stop(60)
print("opentelemetry.metrics" in sys.modules)
"""


def site_with(before):
    program = SITE.format(before=before)
    return run([sys.executable, "-c", program])


@pytest.mark.real_time
def test_a_site_without_opentelemetry_is_watched():
    ran = site_with("sys.modules['opentelemetry'] = None")
    assert ran.stdout == "time.sleep None\nFalse\n"
    assert "OpenTelemetry" not in ran.stderr


@pytest.mark.real_time
def test_an_opentelemetry_that_is_too_old_is_logged_once_and_the_site_is_watched():
    ran = site_with(
        "import opentelemetry.metrics as m\n"
        "old = m.NoOpMeter.create_histogram\n"
        "m._internal._ProxyMeter.create_histogram = lambda self, name, unit='', description='': None"
    )
    assert ran.stdout.startswith("time.sleep ")
    assert ran.stderr.count("pip install loopwatch[opentelemetry]") == 1


@pytest.mark.real_time
def test_a_site_without_an_sdk_is_watched_and_logs_nothing():
    ran = site_with("")
    assert ran.stdout == "time.sleep None\nTrue\n"
    assert "OpenTelemetry" not in ran.stderr


def test_only_a_site_that_names_the_metrics_is_warned_without_opentelemetry(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)
    assert not is_available()
    for named, warned in ((None, False), (["log"], False), (["log", "metrics"], True), ("metrics", False), (7, False)):
        settings.LOOPWATCH = {} if named is None else {"SINKS": named}
        assert [message.id for message in check_metrics()] == (["loopwatch.W008"] if warned else []), named


def test_a_site_with_opentelemetry_is_not_warned(settings):
    settings.LOOPWATCH = {"SINKS": ["metrics"]}
    assert check_metrics() == []


def test_a_site_that_leaves_the_metrics_out_has_no_sink_for_them():
    chosen = sinks(Configuration(sinks=("log",)), Errors(), LoopTimes())
    assert [sink.name for sink in chosen] == ["log"]


@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_an_sdk_that_raises_is_counted_and_delays_no_other_sink(sdk, monkeypatch, error):
    def fail(*_, **__):
        raise error

    received = []
    monkeypatch.setattr(instruments().stalls, "add", fail)
    recorder = Recorder(Configuration(sinks=("metrics",), on_blocking_call=received.append))
    recorder.start()
    for _ in range(3):
        recorder.put(blocking_call())
    assert recorder.stop(30)
    assert len(received) == 3
    assert recorder.stats().errors == {"metrics": 3}
