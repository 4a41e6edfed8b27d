"""Notes about books, tidied for print, and how far our two reviewers agree."""

import asyncio
import re

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import aget_object_or_404, render

from testproject.notes.models import Note, Rating

TRAILING_SPACE = re.compile(r"\s+$")
RATINGS_A_SLICE = 20


async def note_list(request: HttpRequest) -> HttpResponse:
    notes = [note async for note in Note.objects.all()[:50]]
    visits = int(await request.session.aget("note_visits", 0)) + 1
    await request.session.aset("note_visits", visits)
    return render(request, "notes/list.html", {"notes": notes, "visits": visits})


async def tidy(_request: HttpRequest, pk: int) -> JsonResponse:
    note = await aget_object_or_404(Note, pk=pk)
    tidied = TRAILING_SPACE.sub("", note.text)
    return JsonResponse({"author": note.author, "characters": len(tidied)})


async def tidy_fixed(_request: HttpRequest, pk: int) -> JsonResponse:
    note = await aget_object_or_404(Note, pk=pk)
    tidied = note.text.rstrip()
    return JsonResponse({"author": note.author, "characters": len(tidied)})


async def agreement(_request: HttpRequest) -> JsonResponse:
    ratings = await all_ratings()
    agreed = 0
    for anna, bert in ratings:
        for other_anna, other_bert in ratings:
            agreed += (anna < other_anna) == (bert < other_bert)
    return JsonResponse({"agreement": agreed / len(ratings) ** 2})


async def agreement_fixed(_request: HttpRequest) -> JsonResponse:
    ratings = await all_ratings()
    agreed = 0
    for number, (anna, bert) in enumerate(ratings):
        for other_anna, other_bert in ratings:
            agreed += (anna < other_anna) == (bert < other_bert)
        if number % RATINGS_A_SLICE == 0:
            await asyncio.sleep(0)
    return JsonResponse({"agreement": agreed / len(ratings) ** 2})


async def all_ratings() -> list[tuple[int, int]]:
    return [scores async for scores in Rating.objects.values_list("anna", "bert")]
