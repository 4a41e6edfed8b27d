"""Has ten calls of libraries block a loop again and again, and fails if one of them makes more than one finding.

``python -m tests.libraries.fingerprints [--runs 50] [--engine tracing] [--busy 2] [--threads 1] [--only parse_json]``:
so many processes (``--busy``) and threads compute beside it.
"""

import argparse
import asyncio
import csv
import io
import json
import math
import multiprocessing
import os
import sys
import time
import zipfile
from collections import Counter
from contextlib import ExitStack

import bcrypt
import django
import jinja2
import openpyxl
import strawberry
from PIL import Image
from pydantic import TypeAdapter, create_model

from loopwatch import watch
from tests.detection.catalogue.peers import busy_thread

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.template import Context, Engine  # noqa: E402
from rest_framework import serializers  # noqa: E402

ROWS = [{"title": f"Book {number}", "price": number * 1.5, "pages": number} for number in range(20_000)]
LEAST_THRESHOLD_MS = 8


class BookSerializer(serializers.Serializer):
    title = serializers.CharField()
    price = serializers.FloatField()
    pages = serializers.IntegerField()


@strawberry.type
class Book:
    title: str
    pages: int


BOOKS = [Book(title=row["title"], pages=row["pages"]) for row in ROWS[:8000]]


@strawberry.type
class Query:
    @strawberry.field
    def books(self) -> list[Book]:
        return BOOKS


SCHEMA = strawberry.Schema(Query)
ADAPTER = TypeAdapter(list[create_model("Row", title=str, price=float, pages=int)])
JINJA = jinja2.Environment(autoescape=True).from_string("{% for row in rows %}<p>{{ row.title|upper }}</p>{% endfor %}")
TEMPLATE = Engine().from_string("{% for row in rows %}<p>{{ row.title|upper }}</p>{% endfor %}")
BOOK = openpyxl.Workbook()
for row in ROWS[:3000]:
    BOOK.active.append(list(row.values()))
COVER = Image.effect_noise((1400, 1400), 80)
SALT = bcrypt.gensalt(rounds=10)
TEXT = json.dumps(ROWS * 4)
LINES = "".join(f"{row['title']},{row['price']},{row['pages']}\n" for row in ROWS * 3)


def hash_password():
    bcrypt.hashpw(b"read more books", SALT)


def save_workbook():
    BOOK.save(io.BytesIO())


def save_picture():
    COVER.save(io.BytesIO(), "PNG")


def serialize():
    _ = BookSerializer(ROWS, many=True).data


def parse_json():
    json.loads(TEXT)


def render_jinja():
    JINJA.render(rows=ROWS * 2)


def render_django():
    TEMPLATE.render(Context({"rows": ROWS[:16_000]}))


def query_graph():
    SCHEMA.execute_sync("{ books { title pages } }")


def validate():
    ADAPTER.validate_json(TEXT)


def pack():
    with zipfile.ZipFile(io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("books.csv", LINES)
        list(csv.reader(io.StringIO(LINES[:1000])))


CALLS = (
    hash_password,
    save_workbook,
    save_picture,
    serialize,
    parse_json,
    render_jinja,
    render_django,
    query_graph,
    validate,
    pack,
)


async def step(call):
    call()


def half_of(call):
    """Return half of the time that the call takes at its quickest, in ms: on any machine, each call is a stall."""
    quickest_s = math.inf
    for _ in range(3):
        begin = time.perf_counter()
        call()
        quickest_s = min(quickest_s, time.perf_counter() - begin)
    return max(LEAST_THRESHOLD_MS, quickest_s * 1000 / 2)


async def stalls(call, runs, engine, threshold_ms):
    """Return the stalls of so many runs, each in a separate step, and the number of those the machine caused."""
    with watch(threshold_ms=threshold_ms, engine=engine) as watcher:
        for _ in range(runs):
            await asyncio.create_task(step(call))
            await asyncio.sleep(0.005)
    return watcher.calls, len(watcher.disturbances)


def compute_on():
    while True:
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--engine", choices=("sampling", "tracing"), default="sampling")
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--only", choices=[call.__name__ for call in CALLS], help="one of the calls")
    asked = parser.parse_args()
    busy = [multiprocessing.Process(target=compute_on, daemon=True) for _ in range(asked.busy)]
    for process in busy:
        process.start()
    split = 0
    for call in [each for each in CALLS if asked.only in (None, each.__name__)]:
        threshold_ms = half_of(call)
        with ExitStack() as beside:
            for _ in range(asked.threads):
                beside.enter_context(busy_thread(lambda: sum(number % 7 for number in range(1000))))
            found, machine = asyncio.run(stalls(call, asked.runs, asked.engine, threshold_ms))
        names = Counter((each.function, each.called_name) for each in found)
        split += len(names) != 1
        shown = ", ".join(f"{times} {called}" for (_, called), times in names.most_common())
        print(f"{call.__name__:<14} {len(names)} finding(s): {shown}; {machine} by the machine", flush=True)
        rare = [name for name, _ in names.most_common()[1:]]
        for each in found:
            if (each.function, each.called_name) in rare:
                print(f"    {each} of {each.step_ms:.1f} ms, {each.cause}, {'' if each.exact else 'not '}exact")
                print(*(f"        {part}" for part in each.contributions), sep="\n")
    for process in busy:
        process.terminate()
    return int(split > 0)


if __name__ == "__main__":
    sys.exit(main())
