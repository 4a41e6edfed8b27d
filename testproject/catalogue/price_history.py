"""The price history of the bestsellers, day by day, as JSON for the publishers."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import cache

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from testproject.catalogue.models import Book

JSON_TYPE = "application/json"
Line = dict[str, str | list[float]]


async def export(_request: HttpRequest) -> HttpResponse:
    history = await asyncio.to_thread(price_history)
    body = json.dumps(history)
    return HttpResponse(body, content_type=JSON_TYPE)


async def export_threaded(_request: HttpRequest) -> HttpResponse:
    body = await asyncio.to_thread(as_json)
    return HttpResponse(body, content_type=JSON_TYPE)


def as_json() -> str:
    return json.dumps(price_history())


async def export_fixed(_request: HttpRequest) -> StreamingHttpResponse:
    history = await asyncio.to_thread(price_history)
    return StreamingHttpResponse(one_book_at_a_time(history), content_type=JSON_TYPE)


async def one_book_at_a_time(history: list[Line]) -> AsyncIterator[str]:
    yield "["
    for number, line in enumerate(history):
        yield (", " if number else "") + json.dumps(line)
        await asyncio.sleep(0)
    yield "]"


@cache
def price_history() -> list[Line]:
    today = datetime.now(UTC).date()
    return [
        {"title": book.title, "prices": daily_prices(book.price_pence, (today - book.first_sold_on).days)}
        for book in Book.objects.filter(is_bestseller=True)
    ]


def daily_prices(pence: int, days: int) -> list[float]:
    """Up a penny a day for half a year, then back: as good as any other pricing."""
    return [(pence + abs(day % 365 - 182)) / 100 for day in range(days)]
