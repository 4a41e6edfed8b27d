"""OpenTelemetry's own SDK. A process keeps its providers permanently, so tests ask for what is new."""

from types import SimpleNamespace

import pytest
from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture(scope="session")
def sdk():
    delta = AggregationTemporality.DELTA
    reader = InMemoryMetricReader(preferred_temporality={Counter: delta, Histogram: delta})
    metrics.set_meter_provider(MeterProvider([reader, PrometheusMetricReader()]))
    exporter = InMemorySpanExporter()
    traces = TracerProvider()
    traces.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(traces)
    yield SimpleNamespace(reader=reader, exporter=exporter)
    metrics.get_meter_provider().shutdown()
    traces.shutdown()


@pytest.fixture
def points(sdk):
    """Return a function that returns the new data points by the name of their metric."""

    def collect():
        data = sdk.reader.get_metrics_data()
        found = data.resource_metrics[0].scope_metrics if data else ()
        return {each.name: list(each.data.data_points) for scope in found for each in scope.metrics}

    collect()
    return collect


@pytest.fixture
def spans(sdk):
    """Return a function that returns the spans that have ended by their name."""
    sdk.exporter.clear()
    return lambda: {span.name: span for span in sdk.exporter.get_finished_spans()}
