"""A stall appears in the trace of its request."""

import asyncio
import time
from contextvars import copy_context

import pytest
from opentelemetry import trace
from opentelemetry.context import attach

from loopwatch import site_monitor
from loopwatch.asgi import LoopWatch
from loopwatch.detection.verdict.usual_culprits import UsualCulprits
from loopwatch.metrics.metrics_sink import MetricsSink
from loopwatch.metrics.spans import NAME, span_in
from loopwatch.recorder.loop_times import LoopTimes
from tests.recorder.calls import NOON, blocking_call
from tests.support.asgi import get

NOON_NS = round(NOON.timestamp()) * 10**9


@pytest.fixture
def tracer(sdk):
    return trace.get_tracer("tests")


@pytest.fixture
def sink(sdk):
    return MetricsSink(LoopTimes())


def test_a_span_that_still_records_gets_an_event(sink, spans, tracer):
    with tracer.start_as_current_span("GET /"):
        sink.emit(blocking_call(duration_ms=120, waiting=2, otel_span=trace.get_current_span()))
    (event,) = spans()["GET /"].events
    assert (event.name, event.timestamp) == (NAME, NOON_NS)
    assert event.attributes["loopwatch.blocking_call"] == "time.sleep"
    assert (event.attributes["loopwatch.duration_ms"], event.attributes["loopwatch.requests_delayed"]) == (120, 2)
    assert (event.attributes["code.file.path"], event.attributes["code.line.number"]) == ("site/shop/views.py", 12)


def test_a_span_that_has_ended_gets_a_child_that_lasted_as_long_as_the_step(sink, spans, tracer):
    with tracer.start_as_current_span("GET /") as span:
        pass
    sink.emit(blocking_call(step_ms=101.5, otel_span=span))
    child = spans()[NAME]
    assert child.parent.span_id == span.get_span_context().span_id
    assert (child.start_time, child.end_time) == (NOON_NS, NOON_NS + 101_500_000)
    assert child.attributes["http.route"] == "checkout/<int:pk>/"


def test_a_stall_without_a_span_adds_nothing_to_traces(sink, spans):
    sink.emit(blocking_call())
    assert spans() == {}


def test_an_ongoing_stall_is_added_to_its_span_when_it_has_ended(sink, spans, tracer):
    with tracer.start_as_current_span("GET /"):
        for ongoing in (True, True, False):
            sink.emit(blocking_call(stall_id="long", ongoing=ongoing, otel_span=trace.get_current_span()))
    assert len(spans()["GET /"].events) == 1


def test_no_span_is_found_in_a_context_without_one(sdk):
    assert span_in(copy_context()) is None


def test_no_span_is_found_if_the_sdk_raises(sdk):
    class Broken(trace.NonRecordingSpan):
        def get_span_context(self):
            raise RuntimeError

    context = copy_context()
    context.run(attach, trace.set_span_in_context(Broken(trace.INVALID_SPAN_CONTEXT)))
    assert span_in(context) is None


@pytest.fixture
def watched(settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.LOOPWATCH = {"THRESHOLD_MS": 40, "SINKS": ["metrics"]}
    yield
    assert site_monitor.stop(60)


async def settle():
    """End the step, and wait until its stall has been reported."""
    await asyncio.sleep(0)
    assert await asyncio.to_thread(site_monitor.flush)


async def answer(send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.real_time
@pytest.mark.usefixtures("watched")
async def test_a_stall_is_an_event_of_its_requests_span(spans, tracer, points):
    async def application(scope, receive, send):
        with tracer.start_as_current_span("request"), tracer.start_as_current_span("view"):
            await asyncio.sleep(0)
            time.sleep(0.2)
            await settle()  # the request goes on: its span is still there
        await answer(send)

    await get(LoopWatch(application), "/")
    assert [event.name for event in spans()["view"].events] == [NAME]
    assert not spans()["request"].events
    assert sum(point.value for point in points()["loopwatch.stalls"]) == 1


@pytest.mark.real_time
@pytest.mark.usefixtures("watched")
async def test_a_stall_is_a_child_of_its_requests_span_if_that_ended_in_the_same_step(spans, tracer):
    async def application(scope, receive, send):
        await asyncio.sleep(0)
        with tracer.start_as_current_span("request"):
            time.sleep(0.2)
        await answer(send)

    await get(LoopWatch(application), "/")
    await settle()
    request, stall = spans()["request"], spans()[NAME]
    assert stall.parent.span_id == request.context.span_id
    assert stall.context.trace_id == request.context.trace_id
    assert stall.end_time - stall.start_time >= 190_000_000


@pytest.mark.real_time
@pytest.mark.usefixtures("watched")
async def test_a_stall_of_a_child_task_is_in_the_span_that_was_current_when_the_task_started(spans, tracer):
    async def block():
        time.sleep(0.2)
        await settle()

    async def application(scope, receive, send):
        with tracer.start_as_current_span("request"):
            await asyncio.create_task(block())
        await answer(send)

    await get(LoopWatch(application), "/")
    assert [event.name for event in spans()["request"].events] == [NAME]


def test_the_usual_culprits_keep_no_span(tracer):
    usual = UsualCulprits()
    usual.note(blocking_call(otel_span=tracer.start_span("kept?")))
    (kept,) = [call for calls in usual._latest.values() for call in calls.values()]
    assert kept.otel_span is None
