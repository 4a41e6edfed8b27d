"""Stalls reach OpenTelemetry's SDK as metrics."""

from datetime import UTC, datetime, timedelta

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

from loopwatch.detection.calls import Cause, KeptOut, LoopUsage, Request
from loopwatch.metrics.attributes import LIMIT, OTHER
from loopwatch.metrics.metrics_sink import MetricsSink
from loopwatch.recorder.loop_times import LoopTimes
from tests.recorder.calls import blocking_call

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


def test_unknown_values_are_left_out_of_the_attributes(sink, points):
    sink.emit(blocking_call(request=None))
    (point,) = points()["loopwatch.stalls"]
    assert point.attributes.keys() == {"loopwatch.blocking_call", "code.function.name", "loopwatch.cause"}


def test_durations_are_recorded_in_seconds_with_the_buckets_of_the_report(sink, points):
    sink.emit(blocking_call(duration_ms=120))
    sink.emit(blocking_call(duration_ms=1_200))
    (point,) = points()["loopwatch.stall.duration"]
    assert (point.count, point.sum, point.max) == (2, pytest.approx(1.32), pytest.approx(1.2))
    by_bound = dict(zip(point.explicit_bounds, point.bucket_counts, strict=False))
    assert (by_bound[0.15], by_bound[2.5]) == (1, 1)


def test_delayed_requests_and_their_total_delay_are_recorded(sink, points):
    sink.emit(blocking_call(duration_ms=200, waiting=3, kept_out=KeptOut(7, 500.0)))
    sink.emit(blocking_call(duration_ms=200))
    found = points()
    assert [point.value for point in found["loopwatch.requests.delayed"]] == [3]
    assert [(point.count, point.sum) for point in found["loopwatch.delay"]] == [(1, pytest.approx(0.6))]
    assert [point.value for point in found["loopwatch.requests.kept_out"]] == [7]
    assert [(point.count, point.sum) for point in found["loopwatch.kept_out"]] == [(1, pytest.approx(0.5))]


def test_an_ongoing_stall_counts_once_and_its_duration_when_it_has_ended(sink, points):
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


def test_the_number_of_series_is_limited_and_no_stall_is_lost(sink, points):
    for number in range(LIMIT + 50):
        sink.emit(blocking_call(function=f"shop.view_{number}"))
    sink.emit(blocking_call(function="shop.view_0"))
    stalls = {dict(point.attributes)["code.function.name"]: point for point in points()["loopwatch.stalls"]}
    assert len(stalls) == LIMIT + 1
    assert sum(point.value for point in stalls.values()) == LIMIT + 51
    assert dict(stalls[OTHER].attributes) == dict.fromkeys(ATTRIBUTES, OTHER) | {"loopwatch.cause": "waiting"}
    assert stalls["shop.view_0"].value == 2


def test_the_length_of_attributes_is_limited(sink, points):
    sink.emit(blocking_call(function="名" * 5_000, request=Request("http", "BREW", "\ud800" * 5_000)))
    (point,) = points()["loopwatch.stalls"]
    assert max(map(len, point.attributes.values())) <= 200
    assert point.attributes["http.request.method"] == "OTHER"
    str(point.attributes).encode()


def test_gauges_show_how_busy_the_loop_was_and_its_longest_pause(sink, loop_times, points):
    now = datetime.now(UTC)
    # For longer than a minute on either side, because a minute may end while this runs.
    loop_times.add_usage(LoopUsage(now + timedelta(minutes=2), 300.0, 75.0))
    for minutes in range(4):
        loop_times.add_pause(blocking_call(step_ms=350, started_at=now - timedelta(minutes=minutes)))
    found = points()
    assert [point.value for point in found["loopwatch.loop.busy"]] == [pytest.approx(0.25, abs=0.001)]
    assert [point.value for point in found["loopwatch.loop.lag"]] == [0.35]


def test_the_busy_gauge_has_no_value_where_it_cannot_be_measured(sink, points):
    found = points()
    assert "loopwatch.loop.busy" not in found
    assert [point.value for point in found["loopwatch.loop.lag"]] == [0]


def test_gauges_have_no_values_without_a_recorder(sdk, points):
    MetricsSink(LoopTimes())
    assert "loopwatch.loop.lag" not in points()


def test_prometheus_shows_the_metrics_under_the_documented_names(sink, loop_times):
    sink.emit(blocking_call(function="shop.for_prometheus", duration_ms=120))
    families = list(text_string_to_metric_families(prometheus_client.generate_latest().decode()))
    samples = [sample for family in families for sample in family.samples]
    ours = [each for each in samples if each.labels.get("code_function_name") == "shop.for_prometheus"]
    (counter,) = [each for each in ours if each.name == "loopwatch_stalls_total"]
    assert (counter.value, counter.labels["http_route"]) == (1, "checkout/<int:pk>/")
    (bucket,) = [each for each in ours if each.labels.get("le") == "0.15" and "stall_duration" in each.name]
    assert (bucket.name, bucket.value) == ("loopwatch_stall_duration_seconds_bucket", 1)
    assert [each.value for each in samples if each.name == "loopwatch_loop_lag_seconds"] == [0]
