import pytest

from loopwatch.detection.calls import Contribution, Request, StackFrame, StackSample
from loopwatch.models import BlockingEvent, Finding, HourlyTotal
from loopwatch.rows.stacks import read_stacks
from tests.recorder.calls import blocking_call

pytestmark = pytest.mark.usefixtures("database")

ODD = ["nul\0here", "lone \udc80 surrogate", "emoji 🐌 naïve 日本", "x" * 10_000, "\0" * 10_000, ""]


@pytest.mark.parametrize("name", ODD, ids=range(len(ODD)))
def test_any_name_can_be_stored(recorder_of, name):
    frame = StackFrame(f"/{name}", name, name, 1, is_in_app=True)
    call = blocking_call(
        method_name=name,
        function=name,
        filename=name,
        source=name,
        task_name=name,
        called_name=name,
        leaf_name=name,
        stack=(frame,),
        samples=(StackSample(1.0, (frame,)),),
        contributions=(Contribution(name, float("nan"), 3),),
        request=Request("http", name, name, name),
    )
    recorder = recorder_of(release=name)
    recorder.put(call)
    assert recorder.flush(60)
    assert recorder.stats().errors == {}
    for model in (Finding, HourlyTotal, BlockingEvent):
        row = model.objects.get()
        for field in model._meta.fields:
            if field.max_length:
                value = getattr(row, field.name)
                assert len(value) <= field.max_length
                assert "\0" not in value
                value.encode()
    (sample,) = read_stacks(BlockingEvent.objects.get().stacks).values
    assert len(sample.frames) == 1


def test_names_are_kept_as_they_are_where_they_can_be(recorder_of):
    recorder = recorder_of()
    recorder.put(blocking_call(method_name="café.🐌", task_name="日本"))
    assert recorder.flush(60)
    assert (Finding.objects.get().blocking_call, BlockingEvent.objects.get().task_name) == ("café.🐌", "日本")


def test_findings_whose_names_differ_only_beyond_the_column_are_separate(recorder_of):
    recorder = recorder_of()
    for end in "ab":
        recorder.put(blocking_call(function="x" * 400 + end))
    assert recorder.flush(60)
    assert Finding.objects.count() == 2


@pytest.mark.parametrize(
    ("request_", "method", "route"),
    [
        (None, "", ""),
        (Request("websocket", consumer="chat.Room"), "WebSocket", ""),
        (Request("http", "GET", "a/"), "GET", "a/"),
        (Request("http", "BREW-COFFEE-NOW", "a/"), "OTHER", "a/"),
        (Request("lifespan"), "", ""),
    ],
)
def test_the_request_is_stored_by_method_and_route(recorder_of, request_, method, route):
    recorder = recorder_of()
    recorder.put(blocking_call(request=request_))
    assert recorder.flush(60)
    event, total = BlockingEvent.objects.get(), HourlyTotal.objects.get()
    assert (event.method, event.route) == (total.method, total.route) == (method, route)
    assert event.consumer == (request_.consumer if request_ else "")
