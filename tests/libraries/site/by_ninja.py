"""Many books as the answer of an operation of Django Ninja: the library turns them into JSON, on the loop."""

from ninja import NinjaAPI, Schema

BOOKS = [{"title": f"Book {number}", "price": number * 1.5, "pages": number} for number in range(40_000)]

api = NinjaAPI(docs_url=None, openapi_url=None)


class Book(Schema):
    title: str
    price: float
    pages: int


@api.get("/", response=list[Book])
async def list_books(request):
    return BOOKS  # the library's work on them blocks


@api.get("/fixed/", response=list[Book])
def list_first_books(request):
    return BOOKS[:100]  # all of them would keep the GIL from the loop, in this thread too
