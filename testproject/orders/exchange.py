"""Exchange rates for customers abroad, asked of a slow service."""

import asyncio
import json
import urllib.request

from django.conf import settings
from django.http import HttpRequest, JsonResponse


async def exchange_rates(_request: HttpRequest) -> JsonResponse:
    return JsonResponse(fetch_rates())


async def exchange_rates_fixed(_request: HttpRequest) -> JsonResponse:
    return JsonResponse(await asyncio.to_thread(fetch_rates))


def fetch_rates() -> dict[str, float]:
    with urllib.request.urlopen(f"{settings.UPSTREAM_URL}/rates/", timeout=5) as answer:
        rates: dict[str, float] = json.load(answer)
    return rates
