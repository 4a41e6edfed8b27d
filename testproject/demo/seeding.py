"""Fills an empty shop: believable data, in amounts that suit this machine."""

import json
import random
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.template.loader import render_to_string

from testproject.accounts.models import MembershipCard
from testproject.cardlock import stretch
from testproject.catalogue.models import Book, Supplier
from testproject.catalogue.price_history import daily_prices
from testproject.catalogue.views import MONTHS
from testproject.chat.models import Message
from testproject.demo.calibration import TARGET_S, TRIES, computing_s, durable_writes, size_for
from testproject.demo.login import ADMIN_NAME, ADMIN_PASSWORD
from testproject.mistakes import MEMBERSHIP_CARD, UPLOAD_BYTES
from testproject.notes.models import Note, Rating
from testproject.notes.views import TRAILING_SPACE
from testproject.orders.models import Order
from testproject.orders.repeat_buyers import bought_again

BESTSELLERS = 200
ORDERS_A_BOOK = 400
FIRST_WORDS = ("The", "A", "My", "Another", "The Last", "Beyond the")
COLOURS = ("Green", "Silver", "Quiet", "Northern", "Broken", "Winter", "Paper", "Second")
THINGS = ("Lighthouse", "Orchard", "Letter", "River", "Clock", "Garden", "Atlas", "Window", "Harbour", "Key")
AUTHORS = ("M. Aldous", "Ines Varga", "P. K. Thorne", "Léa Fontaine", "Jón Ísleifsson", "R. Osei", "Ada Quill")
PADDING = " " * 1500 + "."


def seed() -> None:
    """Fill the shop; the tables must be empty."""
    choose = random.Random(7)
    add_people()
    books = add_books(choose)
    add_orders(choose, books)
    add_notes(choose)
    Supplier.objects.create(
        name="Elderflower Press", page_bytes=UPLOAD_BYTES // durable_writes(settings.DATA_DIR / "scans", at_most=8192)
    )
    Message.objects.create(room="lobby", author="Ada", text="Welcome! What are you reading?")


def add_people() -> None:
    admin = User.objects.create_superuser(ADMIN_NAME, password=ADMIN_PASSWORD)
    number, _, secret = MEMBERSHIP_CARD.removeprefix("Card ").partition(":")
    salt = b"sixteen bytes...."
    rounds = size_for(lambda count: stretch(secret, salt, count), start=10_000)
    MembershipCard.objects.create(
        member=admin, number=number, salt=salt, rounds=rounds, key=stretch(secret, salt, rounds)
    )


def add_books(choose: random.Random) -> list[Book]:
    count = max(BESTSELLERS, size_for(lambda size: render_stocktake(make_books(choose, size)), start=50))
    books = make_books(choose, count)
    days = size_for(lambda length: json.dumps([daily_prices(999, length)] * BESTSELLERS), start=100)
    for book in books[:BESTSELLERS]:
        book.is_bestseller = True
        book.first_sold_on = datetime.now(UTC).date() - timedelta(days=days)
    return Book.objects.bulk_create(books)


def make_books(choose: random.Random, count: int) -> list[Book]:
    return [
        Book(
            title=f"{choose.choice(FIRST_WORDS)} {choose.choice(COLOURS)} {choose.choice(THINGS)}",
            author=choose.choice(AUTHORS),
            price_pence=choose.randrange(499, 2999, 50),
            copies=choose.randrange(15),
            first_sold_on=datetime.now(UTC).date(),
        )
        for _ in range(count)
    ]


def render_stocktake(books: list[Book]) -> str:
    return render_to_string("catalogue/stocktake.html", {"books": books, "months": MONTHS})


def add_orders(choose: random.Random, books: list[Book]) -> None:
    """Orders of as many books as it takes: each adds the same to the cost of ``bought_again()``."""
    order_book(choose, books[0])
    one_book_s = min(computing_s(lambda _: bought_again().count(), 0) for _ in range(TRIES))
    for book in books[1 : round(TARGET_S / one_book_s)]:
        order_book(choose, book)


def order_book(choose: random.Random, book: Book) -> None:
    now = datetime.now(UTC)
    Order.objects.bulk_create(
        Order(book=book, customer=choose.choice(AUTHORS), placed_at=now - timedelta(minutes=choose.randrange(500_000)))
        for _ in range(ORDERS_A_BOOK)
    )


def add_notes(choose: random.Random) -> None:
    paddings = size_for(lambda count: TRAILING_SPACE.sub("", PADDING * count), start=1)
    Note.objects.create(author="Ada Quill", text="Pasted from my old word processor." + PADDING * paddings)
    for author in AUTHORS:
        Note.objects.create(author=author, text=f"I could not put {choose.choice(THINGS)} down.")
    count = size_for(lambda size: compare_all(make_ratings(choose, size)), start=100, exponent=2)
    Rating.objects.bulk_create(make_ratings(choose, count))


def make_ratings(choose: random.Random, count: int) -> list[Rating]:
    return [Rating(anna=choose.randrange(101), bert=choose.randrange(101)) for _ in range(count)]


def compare_all(ratings: list[Rating]) -> int:
    """The same work as the view's own loop."""
    scores = [(rating.anna, rating.bert) for rating in ratings]
    agreed = 0
    for anna, bert in scores:
        for other_anna, other_bert in scores:
            agreed += (anna < other_anna) == (bert < other_bert)
    return agreed
