"""Pages of the catalogue, sync and async side by side."""

from asgiref.sync import sync_to_async
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from testproject.catalogue.models import Book

MONTHS = tuple(range(1, 13))


def book_list(request: HttpRequest) -> HttpResponse:
    books = Book.objects.order_by("title", "pk")
    if wanted := request.GET.get("q"):
        books = books.filter(title__icontains=wanted)
    page = Paginator(books, 20).get_page(request.GET.get("page"))
    return render(request, "catalogue/list.html", {"page": page, "wanted": wanted or ""})


def book(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Book, pk=pk)
    seen = [other for other in request.session.get("seen", []) if other[0] != pk][:4]
    request.session["seen"] = [(pk, found.title), *seen]
    return render(request, "catalogue/book.html", {"book": found, "seen": seen})


async def stocktake(request: HttpRequest) -> HttpResponse:
    books = [book async for book in Book.objects.all()]
    return render(request, "catalogue/stocktake.html", {"books": books, "months": MONTHS})


async def stocktake_fixed(request: HttpRequest) -> HttpResponse:
    books = [book async for book in Book.objects.all()]
    return await sync_to_async(render)(request, "catalogue/stocktake.html", {"books": books, "months": MONTHS})
