import asyncio
import logging
import queue
import threading
from dataclasses import replace

import pytest

from loopwatch.conf import Configuration
from loopwatch.detection.calls import BlockingCall, Cause, KeptOut, OtherPlace, ThreadStack
from loopwatch.models import Finding
from loopwatch.recorder.health import Errors
from loopwatch.recorder.loop_times import LoopTimes
from loopwatch.recorder.sinks import FRAMES_LOGGED, LogSink, sinks
from loopwatch.signals import blocking_call as signal
from tests.recorder.calls import FRAME, blocking_call
from tests.support.waiting import wait_until


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


def lines(caplog):
    return [record for record in caplog.records if record.name == "loopwatch"]


@pytest.fixture
def machine_lines(caplog):
    """Return a function that gives the lines logged for machine stalls so far."""
    caplog.set_level(logging.INFO, logger="loopwatch")
    return lambda: [record.getMessage() for record in lines(caplog) if record.levelno == logging.INFO]


@pytest.fixture
def received():
    calls = []

    def receive(sender, call, **_):
        calls.append((sender, call))

    signal.connect(receive)
    yield calls
    signal.disconnect(receive)


def test_the_log_says_what_where_and_whom(caplog, settings):
    settings.BASE_DIR = "/srv/site"
    LogSink().emit(blocking_call(waiting=3))
    (record,) = lines(caplog)
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "time.sleep blocked the event loop for 100.0 ms in shop.views.checkout (shop/views.py:12): "
        "time.sleep(delay); POST checkout/<int:pk>/; delayed: 3 in flight"
    )
    assert (record.loopwatch_duration_ms, record.loopwatch_route) == (100.0, "checkout/<int:pk>/")


def test_the_log_has_the_second_place_of_the_step(caplog):
    LogSink().emit(blocking_call(other_place=OtherPlace("shop.locate", "time.sleep", 7, 200.0)))
    assert "; and 200.0 ms of time.sleep in shop.locate, line 7; POST" in lines(caplog)[0].getMessage()


def test_the_log_has_the_stacks_of_the_other_threads(caplog, settings):
    settings.BASE_DIR = "/srv/site"
    inner = replace(FRAME, function="pay", lineno=20)
    LogSink().emit(blocking_call(other_threads=(ThreadStack((FRAME, inner), 2), ThreadStack((FRAME,)))))
    assert lines(caplog)[0].loopwatch_other_threads == [
        "2 threads: shop/views.py:12 in shop.views.checkout > shop/views.py:20 in shop.views.pay",
        "shop/views.py:12 in shop.views.checkout",
    ]


def test_the_log_has_only_the_innermost_frames_of_another_thread(caplog):
    frames = tuple(replace(FRAME, function=f"f{number}") for number in range(FRAMES_LOGGED + 1))
    LogSink().emit(blocking_call(other_threads=(ThreadStack(frames),)))
    (line,) = lines(caplog)[0].loopwatch_other_threads
    assert "views.f0 " not in line
    assert line.endswith(f"views.f{FRAMES_LOGGED}")


def test_the_log_says_nothing_of_other_threads_if_none_were_seen(caplog):
    LogSink().emit(blocking_call())
    assert not hasattr(lines(caplog)[0], "loopwatch_other_threads")


def test_the_log_says_how_many_calls_were_seen(caplog):
    LogSink().emit(blocking_call(calls_seen=14))
    assert "; at least 14 calls; POST" in lines(caplog)[0].getMessage()
    assert lines(caplog)[0].loopwatch_calls_seen == 14


@pytest.mark.parametrize(
    ("source", "end"),
    [
        pytest.param("json.dumps(\n    books,\n)", ":12): json.dumps( books, ); POST", id="in one line"),
        pytest.param("", ":12); POST", id="unless it is unknown or withheld"),
        pytest.param("f(" + "x" * 999, "x…; POST", id="cut"),
    ],
)
def test_the_log_has_the_source_of_the_call(caplog, source, end):
    LogSink().emit(blocking_call(source=source))
    assert end in lines(caplog)[0].getMessage()


def test_the_log_says_how_many_requests_were_kept_out(caplog):
    LogSink().emit(blocking_call(waiting=3, kept_out=KeptOut(97, 4_000.0)))
    (record,) = lines(caplog)
    assert record.getMessage().endswith("; delayed: 3 in flight, about 97 more kept out (estimate)")
    assert (record.loopwatch_requests_delayed, record.loopwatch_requests_kept_out) == (3, 97)


def test_the_log_names_the_call_and_the_detail(caplog):
    LogSink().emit(blocking_call(called_name="requests.get", method_name="socket.recv"))
    assert lines(caplog)[0].getMessage().startswith("requests.get → socket.recv blocked the event loop for")


def test_the_log_has_one_line_a_finding_and_minute_and_counts_the_others(caplog):
    sink = LogSink(clock := Clock())
    for _ in range(4):
        sink.emit(blocking_call())
    sink.emit(blocking_call(function="views.other"))
    clock.now_s += 59.0
    sink.emit(blocking_call())
    clock.now_s += 1.0
    sink.emit(blocking_call())
    clock.now_s += 60.0
    sink.emit(blocking_call())
    assert [record.loopwatch_suppressed for record in lines(caplog)] == [0, 0, 4, 0]
    assert "4 more of this finding" in lines(caplog)[2].getMessage()


def test_the_log_says_that_a_thread_kept_the_gil(caplog):
    LogSink().emit(blocking_call(cause=Cause.GIL_HELD))
    assert " in a thread kept the GIL from the event loop for " in lines(caplog)[0].getMessage()


def test_the_log_has_one_line_for_an_ongoing_stall(caplog):
    sink = LogSink(clock := Clock())
    for ongoing in (True, True, False):
        sink.emit(blocking_call(stall_id="one", ongoing=ongoing))
        clock.now_s += 61.0
    assert len(lines(caplog)) == 1
    assert "has been blocking" in lines(caplog)[0].getMessage()


HELD = blocking_call(cause=Cause.GIL_HELD)


@pytest.mark.parametrize("held_by", [None, HELD], ids=["unknown", "known"])
def test_the_line_for_a_machine_stall_names_no_holder_because_redact_has_not_seen_it(held_by, machine_lines):
    LogSink().emit(blocking_call(cause=Cause.STARVED, step_ms=200.0, held_by=held_by))
    assert machine_lines() == ["The event loop stood still for 200 ms, but no call is to blame: starved"]


def test_the_log_has_one_line_a_minute_for_each_cause_of_machine_stalls_and_counts_the_others(machine_lines):
    sink = LogSink(clock := Clock())
    for number in range(4):
        sink.emit(blocking_call(cause=Cause.SUSPENDED, function=f"views.view_{number}", step_ms=200.0))
    sink.emit(blocking_call(cause=Cause.STARVED))
    clock.now_s += 60.0
    sink.emit(blocking_call(cause=Cause.SUSPENDED, step_ms=300.0))
    assert [line.partition("blame: ")[2] for line in machine_lines()] == [
        "suspended",
        "starved",
        "suspended; 3 more of this cause since its last line",
    ]


def test_the_log_has_one_line_for_an_ongoing_machine_stall_and_counts_it_once(machine_lines):
    sink = LogSink(clock := Clock())
    for stall_id in ("one", "two", "two"):
        sink.emit(blocking_call(stall_id=stall_id, cause=Cause.STARVED, ongoing=True))
    clock.now_s += 61.0
    sink.emit(blocking_call(cause=Cause.STARVED))
    assert [line.partition("blame: ")[2] for line in machine_lines()] == [
        "starved",
        "starved; 1 more of this cause since its last line",
    ]


def test_a_stall_that_proves_to_be_a_calls_is_logged_as_a_finding_too(machine_lines, caplog):
    sink = LogSink()
    for cause in (Cause.STARVED, Cause.WAITING):
        sink.emit(blocking_call(stall_id="one", cause=cause, ongoing=True))
    assert len(machine_lines()) == 1
    assert [record.levelno for record in lines(caplog)] == [logging.INFO, logging.WARNING]


def test_the_signal_and_the_callback_get_every_call(recorder_of, received):
    calls = []
    recorder = recorder_of(sinks=("signal",), on_blocking_call=calls.append)
    put = [blocking_call(), blocking_call(), blocking_call(stall_id="one", ongoing=True), blocking_call(stall_id="one")]
    for call in put:
        recorder.put(call)
    assert recorder.flush(60)
    assert calls == put
    assert received == [(BlockingCall, call) for call in put]
    assert recorder.stats().seen == 3


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), asyncio.CancelledError()])
def test_a_callback_that_raises_disturbs_no_other_sink_and_is_logged_once(recorder_of, received, caplog, error):
    def fail(call):
        raise error

    recorder = recorder_of(sinks=("log", "signal"), on_blocking_call=fail)
    for _ in range(3):
        recorder.put(blocking_call())
        assert recorder.flush(60)
    assert len(received) == 3
    assert len(lines(caplog)) == 1
    assert recorder.stats().errors == {"callback": 3}
    assert len([record for record in caplog.records if record.name == "loopwatch.recorder"]) == 1


def test_a_receiver_that_raises_is_counted_and_the_others_are_called(recorder_of, received, caplog):
    def fail(**_):
        raise ValueError("no")

    signal.connect(fail)
    try:
        recorder = recorder_of(sinks=("signal",))
        recorder.put(blocking_call())
        assert recorder.flush(60)
    finally:
        signal.disconnect(fail)
    assert len(received) == 1
    assert recorder.stats().errors == {"signal": 1}
    assert recorder.stats().last_error.startswith("signal: ValueError at tests/recorder/test_sinks.py:")


@pytest.mark.django_db(transaction=True)
def test_a_callback_that_hangs_delays_no_other_sink_and_its_queue_is_bounded(recorder_of, received, caplog):
    entered, release = threading.Event(), threading.Event()

    def hang(call):
        entered.set()
        release.wait(60)

    recorder = recorder_of(sinks=("database", "log", "signal"), on_blocking_call=hang)
    try:
        recorder.put(blocking_call())
        assert entered.wait(60)
        for _ in range(1_200):
            recorder.put(blocking_call())
            wait_until(lambda: max(delivery.waiting for delivery in recorder._deliveries[:2]) < 500)
        assert not recorder.flush(0.5)
        wait_until(lambda: Finding.objects.filter(events=1_201).exists())
        wait_until(lambda: len(received) == 1_201)
        assert lines(caplog)
        assert recorder.stats().undelivered == 200
        assert not recorder.stop(0.5)
    finally:
        release.set()
    assert "Stopped before 1001 stalls reached 'callback'." in caplog.messages


def test_an_exceptions_text_is_not_logged_but_where_it_came_from(recorder_of, caplog):
    def fail(call):
        raise ValueError("hunter2")

    recorder = recorder_of(sinks=(), on_blocking_call=fail)
    recorder.put(blocking_call())
    assert recorder.flush(60)
    assert "hunter2" not in caplog.text + recorder.stats().last_error
    assert "(callback) raised ValueError" in caplog.text
    assert "tests/recorder/test_sinks.py" in caplog.text


def test_a_receiver_that_flushes_does_not_wait_for_itself(recorder_of):
    answers = queue.Queue()
    recorder = recorder_of(sinks=(), on_blocking_call=lambda call: answers.put(recorder.flush(60)))
    recorder.put(blocking_call())
    assert recorder.flush(60)
    assert answers.get(timeout=60) is False


def test_calls_there_is_no_room_for_are_counted(recorder_of):
    calls = []
    recorder = recorder_of(started=False, sinks=(), on_blocking_call=calls.append)
    for _ in range(1_200):
        recorder.put(blocking_call())
    recorder.start()
    assert recorder.flush(60)
    assert (len(calls), recorder.stats().undelivered) == (1_000, 200)


def test_every_sink_of_the_settings_is_made_beside_the_database(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}
    made = sinks(Configuration(), Errors(), LoopTimes())
    assert {sink.name for sink in made} == set(Configuration().sinks) - {"database"}
