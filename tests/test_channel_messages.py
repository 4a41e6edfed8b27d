"""The messages of a Channels worker: each is a request, with its channel, type and consumer."""

import asyncio
import sys
import time

import pytest
from channels.consumer import AsyncConsumer, SyncConsumer
from channels.routing import ChannelNameRouter, ProtocolTypeRouter

from loopwatch import site_monitor
from loopwatch.asgi import LoopWatch
from loopwatch.detection.calls import Request
from loopwatch.request_route import describe_message

reports = []


class Images(AsyncConsumer):
    channel_layer_alias = ""  # no layer: the test is what sends

    async def image_resize(self, message):
        time.sleep(0.06)

    async def image_rotate(self, message):
        time.sleep(0.06)
        await asyncio.sleep(0)
        time.sleep(0.06)

    async def quit(self, message):
        self.gone.set()


class Mails(SyncConsumer):
    def mail_send(self, message):
        """Send a mail."""


channels = {"images": Images.as_asgi(), "http": Mails.as_asgi()}
odd_channels = ChannelNameRouter(channels | {"channel": Mails.as_asgi()})
application = LoopWatch(ProtocolTypeRouter({"http": Mails.as_asgi(), "channel": odd_channels}))


@pytest.mark.parametrize(
    ("channel", "message_type", "described"),
    [
        ("images", "image.resize", ("images: image.resize", Images, "image_resize")),
        ("images", "image.unknown", ("images", Images, None)),
        ("images", None, ("images", Images, None)),
        ("http", "mail.send", ("http: mail.send", Mails, "mail_send")),
        ("channel", "mail.send", ("channel: mail.send", Mails, "mail_send")),
        ("elsewhere", "mail.send", ("elsewhere", None, None)),
    ],
)
def test_a_message_is_described_by_its_channel_and_by_a_type_that_its_consumer_handles(
    channel, message_type, described
):
    route, consumer, handler = described
    name = f"{consumer.__module__}.{consumer.__qualname__}" if consumer else ""
    view = f"{name}.{handler}" if handler else ""
    assert describe_message(application, channel, message_type) == Request("channel", "", route, name, view)


def test_a_message_is_described_where_only_the_router_of_channels_is_wrapped():
    assert describe_message(ChannelNameRouter(channels), "http", "mail.send").route == "http: mail.send"


@pytest.fixture
def worker(settings, monkeypatch):
    """Return a function that has the application handle messages of the channel ``images``."""
    reports.clear()
    settings.LOOPWATCH = {"THRESHOLD_MS": 40, "SINKS": [], "ON_BLOCKING_CALL": reports.append}

    async def handle(*types):
        Images.gone = asyncio.Event()
        queue = asyncio.Queue()
        for each in (*types, "quit"):
            queue.put_nowait({"type": each})
        scope = {"type": "channel", "channel": "images"}
        serving = asyncio.create_task(application(scope, queue.get, None))
        await Images.gone.wait()
        await asyncio.sleep(0)  # the consumer asks for the next message
        in_flight = site_monitor.watch_running_loop()
        assert not in_flight.requests
        serving.cancel()
        await asyncio.wait([serving])
        assert await asyncio.to_thread(site_monitor.stop)

    yield handle
    del Images.gone


@pytest.mark.real_stall
async def test_every_stall_belongs_to_the_message_that_was_being_handled(worker):
    await worker("image.resize", "image.rotate", "image.resize")
    found = [(call.request.route, call.request.consumer) for call in reports if call.method_name == "time.sleep"]
    types = ["image.resize", "image.rotate", "image.rotate", "image.resize"]
    assert found == [(f"images: {each}", "tests.test_channel_messages.Images") for each in types]


@pytest.mark.real_stall
async def test_a_message_that_passes_two_wrappers_is_counted_once(worker, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "application", LoopWatch(application))
    await worker("image.resize")
    (call,) = [call for call in reports if call.method_name == "time.sleep"]
    assert (call.request.route, call.waiting) == ("images: image.resize", 0)


async def test_a_worker_that_raises_still_raises(worker):
    async def broken(scope, receive, send):
        await receive()
        raise LookupError("mine")

    queue = asyncio.Queue()
    queue.put_nowait({"type": "any"})
    with pytest.raises(LookupError, match="mine"):
        await LoopWatch(broken)({"type": "channel", "channel": "images"}, queue.get, None)
    assert not site_monitor.watch_running_loop().requests
    await worker()
