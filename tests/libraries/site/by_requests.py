"""Exchange rates from another service."""

import asyncio

import requests
from django.conf import settings
from django.http import JsonResponse


def rates():
    return requests.get(f"{settings.UPSTREAM_URL}/rates/", timeout=5).json()  # blocks


async def mistake(request):
    return JsonResponse(rates())


async def fixed(request):
    return JsonResponse(await asyncio.to_thread(rates))
