"""How many copies the warehouse holds: counted in the background, read by everyone, guarded by a lock."""

import asyncio
import json
import threading
import urllib.request

from django.conf import settings
from django.http import HttpRequest, JsonResponse


class Stock:
    """The last count. Whoever holds ``lock`` may read or change it; a recount holds it until the warehouse answers."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.copies = 0

    async def recount_in_background(self) -> None:
        """Start a recount and return once it is under way."""
        under_way = threading.Event()
        threading.Thread(target=self.recount, args=(under_way,), name="recount").start()
        await asyncio.to_thread(under_way.wait)

    def recount(self, under_way: threading.Event) -> None:
        with self.lock:
            under_way.set()
            with urllib.request.urlopen(f"{settings.UPSTREAM_URL}/warehouse/", timeout=5) as answer:
                self.copies = json.load(answer)["copies"]

    def read(self) -> int:
        with self.lock:
            return self.copies


STOCK = Stock()


async def copies_in_stock(_request: HttpRequest) -> JsonResponse:
    await STOCK.recount_in_background()
    with STOCK.lock:
        copies = STOCK.copies
    return JsonResponse({"copies": copies})


async def copies_in_stock_fixed(_request: HttpRequest) -> JsonResponse:
    await STOCK.recount_in_background()
    copies = await asyncio.to_thread(STOCK.read)
    return JsonResponse({"copies": copies})
