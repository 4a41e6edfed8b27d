"""What OpenTelemetry's SDK is told of stalls."""

from datetime import UTC, datetime, timedelta

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

from loopwatch.detection.calls import Cause, LoopUsage, Request
from loopwatch.metrics.attributes import LIMIT, OTHER
from loopwatch.metrics.metrics_sink import MetricsSink
from loopwatch.recording.loop_times import LoopTimes
from tests.recording.calls import blocking_call

ATTRIBUTES = {
    "loopwatch.blocking_call": "time.sleep",
    "code.function.name": "shop.views.checkout",
    "http.request.method": "POST",
    "http.route": "checkout/<int:pk>/",
    "loopwatch.cause": "waiting",
}


@pytest.fixture
def loop_times():
    return LoopTimes()


@pytest.fixture
def sink(sdk, loop_times):
    return MetricsSink(loop_times)


def test_a_stall_is_counted_by_route_function_and_cause(sink, points):
    for _ in range(3):
        sink.emit(blocking_call())
    sink.emit(blocking_call(cause=Cause.COMPUTING))
    stalls = {dict(point.attributes)["loopwatch.cause"]: point for point in points()["loopwatch.stalls"]}
    assert dict(stalls["waiting"].attributes) == ATTRIBUTES
    assert (stalls["waiting"].value, stalls["computing"].value) == (3, 1)


def test_what_is_not_known_is_no_attribute(sink, points):
    sink.emit(blocking_call(request=None))
    (point,) = points()["loopwatch.stalls"]
    assert point.attributes.keys() == {"loopwatch.blocking_call", "code.function.name", "loopwatch.cause"}


def test_durations_are_seconds_in_buckets_that_fit(sink, points):
    sink.emit(blocking_call(duration_ms=120))
    sink.emit(blocking_call(duration_ms=1_200))
    (point,) = points()["loopwatch.stall.duration"]
    assert (point.count, point.sum, point.max) == (2, pytest.approx(1.32), pytest.approx(1.2))
    by_bound = dict(zip(point.explicit_bounds, point.bucket_counts, strict=False))
    assert (by_bound[0.15], by_bound[2.5]) == (1, 1)


def test_delayed_requests_are_counted_and_what_they_waited_together(sink, points):
    sink.emit(blocking_call(duration_ms=200, waiting=3))
    sink.emit(blocking_call(duration_ms=200))
    found = points()
    assert [point.value for point in found["loopwatch.requests.delayed"]] == [3]
    assert [(point.count, point.sum) for point in found["loopwatch.delay"]] == [(1, pytest.approx(0.6))]


def test_a_stall_that_goes_on_counts_once_and_has_its_duration_at_its_end(sink, points):
    sink.emit(blocking_call(stall_id="long", duration_ms=5_000, waiting=1, ongoing=True))
    sink.emit(blocking_call(stall_id="long", duration_ms=10_000, waiting=3, ongoing=True))
    found = points()
    assert [point.value for point in found["loopwatch.stalls"]] == [1]
    assert [point.value for point in found["loopwatch.requests.delayed"]] == [3]
    assert "loopwatch.stall.duration" not in found
    sink.emit(blocking_call(stall_id="long", duration_ms=11_000, waiting=3))
    found = points()
    assert "loopwatch.stalls" not in found
    assert [point.sum for point in found["loopwatch.stall.duration"]] == [11]


def test_however_many_names_there_are_the_series_are_bounded_and_nothing_is_lost(sink, points):
    for number in range(LIMIT + 50):
        sink.emit(blocking_call(function=f"shop.view_{number}"))
    sink.emit(blocking_call(function="shop.view_0"))
    stalls = {dict(point.attributes)["code.function.name"]: point for point in points()["loopwatch.stalls"]}
    assert len(stalls) == LIMIT + 1
    assert sum(point.value for point in stalls.values()) == LIMIT + 51
    assert dict(stalls[OTHER].attributes) == dict.fromkeys(ATTRIBUTES, OTHER) | {"loopwatch.cause": "waiting"}
    assert stalls["shop.view_0"].value == 2


def test_names_are_bounded_too(sink, points):
    sink.emit(blocking_call(function="名" * 5_000, request=Request("http", "BREW", "\ud800" * 5_000)))
    (point,) = points()["loopwatch.stalls"]
    assert max(map(len, point.attributes.values())) <= 200
    assert point.attributes["http.request.method"] == "OTHER"
    str(point.attributes).encode()


def test_gauges_tell_how_busy_the_loop_was_and_its_worst_pause(sink, loop_times, points):
    now = datetime.now(UTC)
    # For longer than a minute on either side: it may turn while this runs.
    loop_times.use(LoopUsage(now + timedelta(minutes=2), 300.0, 75.0))
    for minutes in range(4):
        loop_times.pause(blocking_call(step_ms=350, started_at=now - timedelta(minutes=minutes)))
    found = points()
    assert [point.value for point in found["loopwatch.loop.busy"]] == [pytest.approx(0.25, abs=0.001)]
    assert [point.value for point in found["loopwatch.loop.lag"]] == [0.35]


def test_where_busyness_cannot_be_known_there_is_none(sink, points):
    found = points()
    assert "loopwatch.loop.busy" not in found
    assert [point.value for point in found["loopwatch.loop.lag"]] == [0]


def test_once_nobody_records_any_more_there_is_nothing_to_observe(sdk, points):
    MetricsSink(LoopTimes())
    assert "loopwatch.loop.lag" not in points()


def test_prometheus_gets_them_under_its_own_names(sink, loop_times):
    sink.emit(blocking_call(function="shop.for_prometheus", duration_ms=120))
    families = list(text_string_to_metric_families(prometheus_client.generate_latest().decode()))
    samples = [sample for family in families for sample in family.samples]
    ours = [each for each in samples if each.labels.get("code_function_name") == "shop.for_prometheus"]
    (counter,) = [each for each in ours if each.name == "loopwatch_stalls_total"]
    assert (counter.value, counter.labels["http_route"]) == (1, "checkout/<int:pk>/")
    (bucket,) = [each for each in ours if each.labels.get("le") == "0.15" and "stall_duration" in each.name]
    assert (bucket.name, bucket.value) == ("loopwatch_stall_duration_seconds_bucket", 1)
    assert [each.value for each in samples if each.name == "loopwatch_loop_lag_seconds"] == [0]
