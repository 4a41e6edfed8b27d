"""A page that listens to the channel layer stays open if a message or the layer is faulty."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from channels.layers import InMemoryChannelLayer

from loopwatch.live import subscription
from loopwatch.live.batch import LiveBatch
from loopwatch.live.feed import GROUP
from loopwatch.recorder.health import Errors
from tests.live.lines import line

BATCH = LiveBatch("web-1 7", 1, 1, (line(),), {1: 50.0})


@pytest.fixture(autouse=True)
def errors(monkeypatch):
    """Return the counter of failures in a process that is not watched."""
    monkeypatch.setattr(subscription, "_unwatched", Errors())
    return subscription._unwatched


@asynccontextmanager
async def listening(layer):
    received = asyncio.Queue()
    task = asyncio.create_task(subscription.listen(layer, received.put_nowait))
    try:
        async with asyncio.timeout(60):
            yield received
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Layer(InMemoryChannelLayer):
    """Reports when a page has joined, and fails as often as a test demands."""

    def __init__(self, failures=0):
        super().__init__()
        self.failures = failures
        self.joined = asyncio.Semaphore(0)

    async def group_add(self, group, channel):
        await super().group_add(group, channel)
        self.joined.release()

    async def receive(self, channel):
        if self.failures:
            self.failures -= 1
            raise ConnectionError("gone")
        return await super().receive(channel)


async def test_a_batch_on_the_layer_reaches_the_page():
    layer = Layer()
    async with listening(layer) as received:
        await layer.joined.acquire()
        await layer.group_send(GROUP, BATCH.as_message())
        assert await received.get() == BATCH


@pytest.mark.parametrize(
    "message",
    [
        {"type": "loopwatch.batch"},
        {"type": "websocket.close"},
        {"type": "close"},
        {},
        BATCH.as_message() | {"seen": "x"},
    ],
    ids=["empty", "close", "method", "untyped", "wrong"],
)
async def test_invalid_messages_are_dropped_counted_and_logged_once(message, errors, caplog):
    layer = Layer()
    async with listening(layer) as received:
        await layer.joined.acquire()
        for _ in range(3):
            await layer.group_send(GROUP, message)
        await layer.group_send(GROUP, BATCH.as_message())
        assert await received.get() == BATCH
    assert errors.counts == {"live messages": 3}
    (record,) = caplog.records
    assert "dropped an invalid message" in record.getMessage()
    assert record.exc_info is None


async def test_a_layer_that_fails_is_asked_again(errors, caplog, monkeypatch):
    monkeypatch.setattr(subscription, "RETRY_S", 0)
    layer = Layer(failures=3)
    async with listening(layer) as received:
        for _ in range(4):
            await layer.joined.acquire()
        await layer.group_send(GROUP, BATCH.as_message())
        assert await received.get() == BATCH
    assert errors.counts == {"live": 3}
    assert len(caplog.records) == 1


async def test_a_page_that_stays_open_joins_again_before_the_layer_forgets_it(errors, monkeypatch):
    monkeypatch.setattr(subscription, "JOIN_AGAIN_S", 0)
    layer = Layer()
    async with listening(layer):
        for _ in range(3):
            await layer.joined.acquire()
    assert errors.counts == {}


async def test_a_page_that_is_closed_leaves_the_group():
    layer = Layer()
    async with listening(layer):
        await layer.joined.acquire()
        assert layer.groups[GROUP]
    assert not layer.groups.get(GROUP)
