"""A site with consumers that a worker runs."""

import time

from channels.consumer import AsyncConsumer
from channels.layers import get_channel_layer
from channels.routing import ChannelNameRouter, ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from loopwatch.asgi import LoopWatch

http = get_asgi_application()


class Images(AsyncConsumer):
    async def image_resize(self, message):
        time.sleep(0.2)
        await get_channel_layer().send("answers", {"type": "image.resized"})


application = LoopWatch(ProtocolTypeRouter({"http": http, "channel": ChannelNameRouter({"images": Images.as_asgi()})}))
