"""How often a book was bought again: every order is held against every later one of the same book."""

from django.db.models import F, QuerySet
from django.http import HttpRequest, JsonResponse

from testproject.orders.models import Order


async def repeat_buyers(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"pairs": bought_again().count()})


async def repeat_buyers_fixed(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"pairs": await bought_again().acount()})


def bought_again() -> QuerySet[Order]:
    return Order.objects.filter(book__orders__placed_at__gt=F("placed_at"))
