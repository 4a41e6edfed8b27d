"""``REDACT`` may change or withhold a call before anything of it is recorded."""

import threading
from dataclasses import replace

import pytest

from loopwatch.detection.calls import Request
from loopwatch.models import BlockingEvent, Finding
from loopwatch.signals import blocking_call as signal
from tests.recorder.calls import blocking_call

pytestmark = pytest.mark.django_db(transaction=True)


def hide_the_function(call):
    return replace(call, function="(hidden)", stack=(), task_name="")


@pytest.fixture
def signalled():
    calls = []

    def receive(call, **_):
        calls.append(call)

    signal.connect(receive)
    yield calls
    signal.disconnect(receive)


def test_every_sink_gets_the_redacted_call_and_none_the_original(recorder_of, signalled, caplog):
    called = []
    recorder = recorder_of(
        sinks=("database", "log", "signal"), on_blocking_call=called.append, redact=hide_the_function
    )
    for _ in range(2):
        recorder.put(blocking_call())
    assert recorder.flush(60)
    finding = Finding.objects.get()
    assert (finding.function, finding.events) == ("(hidden)", 2)
    assert [event.stacks["frames"] for event in BlockingEvent.objects.all()] == [[], []]
    assert {call.function for call in (*called, *signalled)} == {"(hidden)"}
    assert "checkout" not in caplog.text.replace("POST checkout/<int:pk>/", "")


def test_a_withheld_stall_leaves_nothing_but_a_number(recorder_of, signalled, caplog):
    recorder = recorder_of(sinks=("database", "log", "signal"), redact=lambda call: None)
    recorder.put(blocking_call())
    for ongoing in (True, True, False):
        recorder.put(blocking_call(stall_id="one", ongoing=ongoing))
    assert recorder.flush(60)
    assert not Finding.objects.exists()
    assert (signalled, caplog.records) == ([], [])
    stats = recorder.stats()
    assert (stats.seen, stats.withheld, stats.stored, stats.dropped, stats.pending) == (2, 2, 0, 0, 0)


@pytest.mark.parametrize(
    "answer",
    ["hunter2", 5, lambda call: call],
    ids=["text", "number", "function"],
)
def test_a_redact_that_returns_the_wrong_type_records_nothing(recorder_of, signalled, caplog, answer):
    recorder = recorder_of(sinks=("database", "log", "signal"), redact=lambda call: answer)
    recorder.put(blocking_call())
    assert recorder.flush(60)
    assert not Finding.objects.exists()
    assert signalled == []
    stats = recorder.stats()
    assert (stats.seen, stats.dropped, stats.pending) == (1, 1, 0)
    assert stats.errors == {"redact": 1}
    assert len(caplog.records) == 1
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("changes", "dropped", "errors"),
    [
        ({"contributions": ("json.loads",)}, 0, {"database": 1}),
        ({"stack": ("checkout",)}, 0, {"database": 1}),
        ({"other_place": "hidden"}, 1, {"database": 1}),
        ({"exact": "hidden"}, 1, {"database": 1}),
        ({"request": Request("http", None, "checkout/")}, 0, {}),
    ],
    ids=["contributions", "stack", "other place", "certainty", "method"],
)
def test_a_redact_that_returns_values_of_the_wrong_type_stops_nothing_else(
    recorder_of, caplog, changes, dropped, errors
):
    recorder = recorder_of(redact=lambda call: replace(call, **changes) if call.function == "shop.pay" else call)
    for function in ("shop.pay", "shop.before", "shop.zoom"):
        recorder.put(blocking_call(function=function))
    assert recorder.flush(60)
    recorder.put(blocking_call(function="shop.later"))
    assert recorder.flush(60)
    stored = set(Finding.objects.values_list("function", flat=True))
    assert stored == {"shop.before", "shop.zoom", "shop.later"} | ({"shop.pay"} if not dropped else set())
    stats = recorder.stats()
    assert (stats.seen, stats.stored, stats.dropped, stats.pending) == (4, 4 - dropped, dropped, 0)
    assert stats.errors == errors
    assert len(caplog.records) == len(errors)


@pytest.mark.parametrize("error", [ValueError("hunter2"), SystemExit("hunter2")])
def test_a_redact_that_raises_records_nothing_and_gets_the_next_call(recorder_of, caplog, error):
    def redact(call):
        if call.lineno == 12:
            raise error
        return call

    recorder = recorder_of(redact=redact)
    for lineno in (12, 12, 13):
        recorder.put(blocking_call(lineno=lineno))
    assert recorder.flush(60)
    assert Finding.objects.get().events == 1
    stats = recorder.stats()
    assert (stats.seen, stats.stored, stats.dropped, stats.errors) == (3, 1, 2, {"redact": 2})
    assert len(caplog.records) == 1
    assert "hunter2" not in caplog.text + stats.last_error


def test_while_redact_hangs_nothing_is_recorded_and_put_does_not_wait(recorder_of):
    entered, release = threading.Event(), threading.Event()

    def hang(call):
        entered.set()
        assert release.wait(60)
        return call

    recorder = recorder_of(redact=hang)
    recorder.put(blocking_call())
    assert entered.wait(60)
    for _ in range(1_100):
        recorder.put(blocking_call())
    stats = recorder.stats()
    assert (stats.seen, stats.stored, stats.dropped, stats.pending) == (1_101, 0, 100, 1_001)
    assert not recorder.flush(0.1)
    release.set()
    assert recorder.flush(60)
    assert Finding.objects.get().events == 1_001


def test_a_call_returned_unchanged_is_recorded_as_without_redact(recorder_of):
    recorder = recorder_of(redact=lambda call: call)
    recorder.put(blocking_call(stall_id="one", ongoing=True))
    recorder.put(blocking_call(stall_id="one", duration_ms=9_000.0))
    assert recorder.flush(60)
    finding = Finding.objects.get()
    assert (finding.events, finding.blocked_us, finding.function) == (1, 9_000_000, "shop.views.checkout")


@pytest.mark.parametrize("refusal", [None, ValueError("hunter2")], ids=["withheld", "failed"])
def test_a_stall_that_is_refused_at_its_end_ends_as_it_was_last_passed_on(recorder_of, refusal):
    def redact(call):
        if call.duration_ms < 9_000.0:
            return hide_the_function(call)
        if refusal:
            raise refusal
        return None

    recorder = recorder_of(redact=redact)
    for duration_ms, ongoing in ((5_000.0, True), (9_000.0, True), (10_000.0, False)):
        recorder.put(blocking_call(stall_id="one", duration_ms=duration_ms, ongoing=ongoing))
    assert recorder.flush(60)
    event = BlockingEvent.objects.get()
    assert (event.ongoing, event.duration_us, event.finding.function) == (False, 5_000_000, "(hidden)")
    stats = recorder.stats()
    assert (stats.seen, stats.stored, stats.withheld, stats.dropped) == (1, 1, 0, 0)
