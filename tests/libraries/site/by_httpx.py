"""The same service, asked by a client that has an asynchronous twin."""

import httpx
from django.conf import settings
from django.http import JsonResponse

client = httpx.Client(trust_env=False)
async_client = httpx.AsyncClient(trust_env=False)


async def mistake(request):
    answer = client.get(f"{settings.UPSTREAM_URL}/rates/")  # blocks
    return JsonResponse(answer.json())


async def fixed(request):
    answer = await async_client.get(f"{settings.UPSTREAM_URL}/rates/")
    return JsonResponse(answer.json())
