"""Paying an order at the card terminal, which sleeps between customers and refuses the first knock."""

import asyncio
import time

from django.http import HttpRequest, JsonResponse
from django.shortcuts import aget_object_or_404
from django.views.decorators.http import require_POST

from testproject.orders.models import Order

ATTEMPTS = 3
PAUSE_S = 0.24


class TerminalBusyError(Exception):
    """The terminal wants to be asked again a little later."""


class CardTerminal:
    def __init__(self) -> None:
        self.awake = False

    def charge(self, pence: int) -> str:
        if not self.awake:
            self.awake = True
            raise TerminalBusyError
        return f"charged {pence / 100:.2f}"


@require_POST
async def pay(_request: HttpRequest, pk: int) -> JsonResponse:
    order = await aget_object_or_404(Order.objects.select_related("book"), pk=pk)
    return JsonResponse({"receipt": charge_with_retries(CardTerminal(), order.book.price_pence)})


@require_POST
async def pay_fixed(_request: HttpRequest, pk: int) -> JsonResponse:
    order = await aget_object_or_404(Order.objects.select_related("book"), pk=pk)
    return JsonResponse({"receipt": await charge_with_retries_fixed(CardTerminal(), order.book.price_pence)})


def charge_with_retries(terminal: CardTerminal, pence: int) -> str:
    for _attempt in range(ATTEMPTS):
        try:
            return terminal.charge(pence)
        except TerminalBusyError:
            time.sleep(PAUSE_S)
    raise TerminalBusyError


async def charge_with_retries_fixed(terminal: CardTerminal, pence: int) -> str:
    for _attempt in range(ATTEMPTS):
        try:
            return terminal.charge(pence)
        except TerminalBusyError:
            await asyncio.sleep(PAUSE_S)
    raise TerminalBusyError
