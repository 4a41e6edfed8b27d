"""What a member's card opens: the request carries ``Authorization: Card <number>:<secret>``."""

import asyncio

from django.http import HttpRequest, JsonResponse

from testproject.accounts.models import MembershipCard
from testproject.cardlock import authenticate


async def me(request: HttpRequest) -> JsonResponse:
    card, secret = await presented_card(request)
    if card is None or not authenticate(secret, card.stored()):
        return JsonResponse({"error": "unknown card"}, status=401)
    return JsonResponse({"member": card.member.get_username()})


async def me_fixed(request: HttpRequest) -> JsonResponse:
    card, secret = await presented_card(request)
    if card is None or not await asyncio.to_thread(authenticate, secret, card.stored()):
        return JsonResponse({"error": "unknown card"}, status=401)
    return JsonResponse({"member": card.member.get_username()})


async def presented_card(request: HttpRequest) -> tuple[MembershipCard | None, str]:
    number, _, secret = request.headers.get("Authorization", "").removeprefix("Card ").partition(":")
    return await MembershipCard.objects.select_related("member").filter(number=number).afirst(), secret
