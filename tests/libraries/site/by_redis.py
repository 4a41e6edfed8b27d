"""The next order from a queue that is empty."""

import redis
import redis.asyncio
from django.conf import settings
from django.http import JsonResponse

PATIENCE_S = 0.2

queue = redis.Redis(port=settings.REDIS_PORT)
async_queue = redis.asyncio.Redis(port=settings.REDIS_PORT)


class Orders:
    def next(self):
        return queue.blpop("orders", timeout=PATIENCE_S)  # blocks


async def mistake(request):
    return JsonResponse({"order": Orders().next()})


async def fixed(request):
    return JsonResponse({"order": await async_queue.blpop("orders", timeout=PATIENCE_S)})
