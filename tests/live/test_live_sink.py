"""The sink "live": what it sends of many stalls, to whom, and when it does nothing."""

import asyncio
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from channels.layers import InMemoryChannelLayer, channel_layers

from loopwatch.detection.calls import KeptOut, Request
from loopwatch.live.batch import LINES_LIMIT, SECONDS_LIMIT, LiveBatch
from loopwatch.live.feed import Feed, feed
from loopwatch.live.live_sink import LiveSink
from loopwatch.live.read_batch import read_batch
from loopwatch.recorder.health import Errors
from tests.recorder.calls import NOON, blocking_call

SECOND = int(NOON.timestamp())


class SharedLayer(InMemoryChannelLayer):
    """Poses as a layer that reaches other processes, and keeps what it is given."""

    def __init__(self, **options):
        super().__init__(**options)
        self.sent = []

    async def group_send(self, group, message):
        self.sent.append((group, message))


class FailingLayer(SharedLayer):
    async def group_send(self, group, message):
        raise ConnectionError("gone")


@pytest.fixture
def layer(request, settings):
    """Set up a channel layer of the given class."""
    name = f"{__name__}.{request.param.__name__}"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": name}}
    yield channel_layers["default"]
    channel_layers.backends.clear()


@pytest.fixture
async def audience():
    """Return a feed with one viewer, and the queue of the viewer's batches."""
    own, received = Feed(), asyncio.Queue()
    own.join(received.put_nowait)
    return own, received


async def sent(audience, *calls):
    """Return the batch that a new sink makes of these calls."""
    own, received = audience

    def send():
        sink = LiveSink(Errors(), own)
        for call in calls:
            sink.emit(call)
        sink.settle()
        sink.close()

    await asyncio.to_thread(send)
    return await asyncio.wait_for(received.get(), 60)


async def test_a_line_has_the_call_its_place_its_request_and_its_duration(audience):
    call = blocking_call(waiting=3, kept_out=KeptOut(7, 1.0), duration_ms=99.5)
    (line,) = (await sent(audience, call)).lines
    assert (line.headline, line.function) == ("time.sleep", "shop.views.checkout")
    assert line.request == "POST checkout/<int:pk>/"
    assert (line.duration_ms, line.total_ms, line.count, line.waiting, line.kept_out) == (99.5, 99.5, 1, 3, 7)
    assert (line.started_at_ms, line.fingerprint) == (SECOND * 1000, call.fingerprint)
    assert not line.ongoing


async def test_stalls_of_one_finding_and_request_are_one_line(audience):
    others = [blocking_call(duration_ms=60.0) for _ in range(9)]
    elsewhere = blocking_call(request=Request("websocket", "", "", "chat.Consumer"))
    batch = await sent(audience, *others, blocking_call(duration_ms=200.0, waiting=7), elsewhere)
    together, alone = batch.lines
    assert (together.count, together.total_ms, together.duration_ms, together.waiting) == (10, 740.0, 200.0, 7)
    assert (alone.count, alone.request) == (1, "WebSocket chat.Consumer")
    assert (batch.count, batch.seen) == (11, 11)


async def test_the_worst_lines_are_sent_and_the_others_counted(audience):
    calls = [blocking_call(function=f"shop.views.{number}", duration_ms=100.0 + number) for number in range(100)]
    batch = await sent(audience, *calls)
    assert len(batch.lines) == LINES_LIMIT
    assert min(line.duration_ms for line in batch.lines) == 180.0
    assert batch.count == 100


async def test_an_ongoing_stall_and_its_time_are_counted_once(audience):
    reports = [
        blocking_call(stall_id="one", ongoing=ms < 900, duration_ms=ms, step_ms=ms) for ms in (400.0, 700.0, 900.0)
    ]
    batch = await sent(audience, *reports)
    (line,) = batch.lines
    assert (line.stall_id, line.ongoing, line.count, line.duration_ms) == ("one", False, 1, 900.0)
    assert (batch.count, batch.blocked) == (1, {SECOND: 900.0})


async def test_the_end_of_an_ongoing_stall_is_sent_even_if_it_lasted_no_longer(audience):
    own, received = audience
    sink = LiveSink(Errors(), own)

    def report(*, ongoing):
        sink.emit(blocking_call(stall_id="one", ongoing=ongoing, step_ms=400.0))
        sink.settle()

    await asyncio.to_thread(report, ongoing=True)
    await asyncio.to_thread(report, ongoing=False)
    await asyncio.to_thread(sink.close)
    sent = [await asyncio.wait_for(received.get(), 60) for _ in range(2)]
    assert [(batch.count, batch.lines[0].ongoing, batch.blocked) for batch in sent] == [
        (1, True, {SECOND: 400.0}),
        (0, False, {}),
    ]


async def test_blocked_time_is_sent_by_the_second(audience):
    late = blocking_call(started_at=NOON + timedelta(seconds=0.7), step_ms=2_000.0)
    assert (await sent(audience, late, blocking_call(step_ms=100.0))).blocked == {
        SECOND: 400.0,
        SECOND + 1: 1_000.0,
        SECOND + 2: 700.0,
    }


async def test_the_last_seconds_of_a_very_long_stall_are_sent(audience):
    batch = await sent(audience, blocking_call(step_ms=3_600_000.0))
    assert len(batch.blocked) == 120
    assert max(batch.blocked) == SECOND + 3_599


async def test_names_with_odd_characters_are_sent(audience):
    names = {"method_name": "a\0\udc80" + "x" * 999, "function": "<b>", "filename": "", "request": None}
    (line,) = (await sent(audience, blocking_call(**names))).lines
    assert len(line.headline) == 300
    assert "\udc80" not in line.headline
    assert (line.request, line.place) == ("", "")


async def test_a_sent_batch_can_be_read_by_other_processes(audience):
    batch = await sent(audience, blocking_call(), blocking_call(stall_id="one", ongoing=True))
    assert read_batch(batch.as_message()) == batch


async def test_a_batch_has_no_more_seconds_than_other_processes_accept(audience):
    calls = [blocking_call(started_at=NOON + timedelta(seconds=2 * number)) for number in range(SECONDS_LIMIT + 10)]
    batch = await sent(audience, *calls)
    assert read_batch(batch.as_message()) == batch
    assert max(batch.blocked) == SECOND + 2 * (SECONDS_LIMIT + 9)


def test_no_batch_is_made_while_no_page_is_open():
    sink = LiveSink(Errors(), Feed())
    sink.emit(blocking_call())
    assert not sink._lines
    sink.settle()
    assert sink._runner is None


@pytest.mark.parametrize("is_open", [False, True])
async def test_a_page_that_opens_later_is_told_of_each_second_once(is_open):
    own, received = Feed(), asyncio.Queue()
    sink = LiveSink(Errors(), own)
    if is_open:
        own.join(lambda batch: None)
    now = datetime.now(UTC) + timedelta(seconds=2)  # nothing is known of the second in which the sink was made
    await asyncio.to_thread(tell, sink, blocking_call(started_at=now, step_ms=50.0))
    for seconds in (300, 5):
        await asyncio.to_thread(tell, sink, blocking_call(started_at=now - timedelta(seconds=seconds), step_ms=50.0))
    known = own.join(received.put_nowait)
    assert sum(known.blocked.values()) == pytest.approx(50.0)
    await asyncio.to_thread(tell, sink, blocking_call(started_at=now, step_ms=70.0))
    await asyncio.to_thread(sink.close)
    batch = await asyncio.wait_for(received.get(), 60)
    assert sum(batch.blocked.values()) == pytest.approx(70.0)


def tell(sink, call):
    sink.emit(call)
    sink.settle()


def test_nothing_is_known_of_the_time_before_the_process_was_watched():
    async def join(own):
        return own.join(print)

    before = int(datetime.now(UTC).timestamp())
    own = Feed()
    assert asyncio.run(join(own)).since_s >= before
    LiveSink(Errors(), own)
    assert asyncio.run(join(own)).since_s > before


async def test_a_line_says_if_its_call_is_not_certain(audience):
    calls = [
        blocking_call(function="a"),
        blocking_call(function="b", exact=False),
        blocking_call(function="c", method_name="c", exact=False),
    ]
    lines = (await sent(audience, *calls)).lines
    assert sorted((line.function, line.doubt) for line in lines) == [("a", ""), ("b", "likely"), ("c", "function only")]


async def test_a_page_that_opens_later_does_not_count_earlier_stalls_as_lost(audience):
    own, received = audience
    sink = LiveSink(Errors(), own)
    own.leave(received.put_nowait)
    sink.emit(blocking_call())
    own.join(received.put_nowait)
    sink.emit(blocking_call())
    await asyncio.to_thread(sink.settle)
    await asyncio.to_thread(sink.close)
    batch = await asyncio.wait_for(received.get(), 60)
    assert (batch.seen, batch.count) == (2, 1)


def test_a_closed_loop_leaves_the_feed():
    own = Feed()

    async def join():
        own.join(print)

    asyncio.run(join())
    assert own.has_audience
    asyncio.run(own.send(LiveBatch("web 1", 1, 1, (), {})))
    assert not own.has_audience


async def test_a_forked_child_has_no_viewers_of_its_parent_and_the_same_route():
    child = Feed()
    child.is_routed = True
    child.join(print)
    child._lock.acquire()  # a thread of the parent held it at the fork
    child.forget_viewers()
    assert child.is_routed
    assert not child.has_audience
    child.leave(print)


@pytest.mark.parametrize("layer", [SharedLayer], indirect=True)
def test_other_processes_receive_batches_through_the_layer(recorder_of, layer):
    recorder = recorder_of(sinks=("live",), redact=lambda call: call)
    for _ in range(3):
        recorder.put(blocking_call())
        assert recorder.flush(60)
    assert Counter(group for group, _ in layer.sent) == {"loopwatch.live": 3}
    assert [message["seen"] for _, message in layer.sent] == [1, 2, 3]


@pytest.mark.parametrize("layer", [FailingLayer], indirect=True)
def test_a_failing_layer_is_logged_once_and_counted(recorder_of, layer, caplog):
    recorder = recorder_of(sinks=("live",))
    for _ in range(3):
        recorder.put(blocking_call())
        assert recorder.flush(60)
    assert recorder.stats().errors == {"live": 3}
    (record,) = caplog.records
    assert "channel layer did not accept" in record.getMessage()


def test_a_layer_that_cannot_be_imported_is_logged_once(recorder_of, settings, caplog):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "no.such.Layer"}}
    recorder = recorder_of(sinks=("live",))
    for _ in range(2):
        recorder.put(blocking_call())
        assert recorder.flush(60)
    assert recorder.stats().errors == {"live": 2}
    assert len(caplog.records) == 1


def test_the_live_sink_has_no_thread_if_no_page_can_be_reached(recorder_of, monkeypatch):
    monkeypatch.setattr(feed, "is_routed", False)
    before = set(threading.enumerate())
    recorder = recorder_of(sinks=("live",))
    recorder.put(blocking_call())
    assert recorder.flush(60)
    assert "loopwatch-live" not in {thread.name for thread in set(threading.enumerate()) - before}


@pytest.mark.parametrize("layer", [SharedLayer], indirect=True)
def test_redacted_calls_are_sent(recorder_of, layer):
    recorder = recorder_of(sinks=("live",), redact=lambda call: None)
    recorder.put(blocking_call())
    assert recorder.flush(60)
    assert not layer.sent
