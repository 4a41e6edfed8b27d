"""How quickly the admin and the report open with a large store, beside django-silk's list at the same number of rows.

``python -m tests.benchmarks.at_size --rows 1000000 [--postgres]`` builds a store of a tenth of the rows and one of all
of them, and prints for each page the median and the longest of nine requests, after a first one that fills the caches,
and its queries. django-silk is measured where it is installed. Building takes some minutes and 3 GB.
"""

import argparse
import io
import platform
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.util import find_spec
from typing import Any
from uuid import UUID

import django
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path

from tests import settings
from tests.benchmarks import store

ROUNDS = 9
HAS_SILK = find_spec("silk") is not None


def urls() -> list[Any]:
    from django.contrib import admin

    return [path("admin/", admin.site.urls), *([path("silk/", include("silk.urls"))] if HAS_SILK else [])]


def measure(name: str, open_page: Callable[[], object]) -> None:
    queries = Counter[str]()

    def count(execute: Callable[..., Any], sql: str, *others: Any) -> Any:
        queries.update([sql])
        return execute(sql, *others)

    with connection.execute_wrapper(count):  # a request makes Django forget the queries it has captured
        open_page()
    seconds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        open_page()
        seconds.append(time.perf_counter() - begin)
    middle, longest = statistics.median(seconds) * 1000, max(seconds) * 1000
    print(f"  {name:44}{middle:9.0f} ms  (longest {longest:.0f} ms)  {queries.total():3} queries", flush=True)


def pages(client: Client) -> Iterator[tuple[str, Callable[[], object]]]:
    def get(url: str) -> Callable[[], HttpResponse]:
        def open_page() -> HttpResponse:
            response = client.get(url)
            assert response.status_code == 200, (url, response.status_code)
            return response

        return open_page

    def report(*arguments: str) -> Callable[[], object]:
        return lambda: call_command("loopwatch_report", *arguments, stdout=io.StringIO())

    findings = "/admin/loopwatch/finding/"
    for span in ("1h", "24h", "7d", "30d", "1y"):
        yield f"the overview, {span}", get(f"/admin/loopwatch/overview/?span={span}")
    yield "the list of findings", get(findings)
    yield "the same, all of them, newest first", get(f"{findings}?status=all&o=-7")
    yield "the same, searched", get(f"{findings}?q=view_4")
    yield "the heaviest finding", get(f"{findings}1/change/")
    yield "an ordinary finding", get(f"{findings}99/change/")
    yield "its flame graph, of a thousand events", get(f"{findings}1/flame/speedscope/")
    yield "the events of a finding", get("/admin/loopwatch/blockingevent/?finding__id__exact=1")
    yield "loopwatch_report", report()
    yield "loopwatch_report --since 30d", report("--since", "30d")
    yield "loopwatch_report --since 30d --sort p95", report("--since", "30d", "--sort", "p95")
    yield "loopwatch_report --since 30d --group-by route", report("--since", "30d", "--group-by", "route")
    yield "loopwatch_report --group-by route", report("--group-by", "route")
    yield "loopwatch_report --group-by host", report("--group-by", "host")
    yield "loopwatch_report --compare, since 30d", report("--since", "30d", "--compare", "1.4.2", "1.5.0")
    yield "loopwatch_report --compare", report("--compare", "1.4.2", "1.5.0")
    yield "loopwatch_report --format speedscope", report("--format", "speedscope")
    if HAS_SILK:
        yield "django-silk's list of requests", get("/silk/requests/")
        yield "django-silk's summary", get("/silk/")


EXPORT = "all events as CSV"


def export(client: Client) -> None:
    """Once: how long it takes, and how much larger than it ever was the process becomes."""
    before_kb, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    response = client.get("/admin/loopwatch/blockingevent/export/csv/")
    size = sum(map(len, response.streaming_content))
    seconds = time.perf_counter() - begin
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
    print(f"  {EXPORT}: {size / 1e6:.0f} MB in {seconds:.0f} s, {grown_mb:.0f} MB of memory more", flush=True)


def build_silk(rows: int) -> None:
    from silk.models import Request, Response

    def requests() -> Iterator[tuple[Any, ...]]:
        for number in range(rows):
            begin = store.NOW - timedelta(seconds=number * 31)
            milliseconds = 60 + number * 7919 % 900
            end = begin + timedelta(milliseconds=milliseconds)
            view = f"shop.views_{number % 211}"
            yield (str(UUID(int=number)), f"/shop/{number % 5000}/", "GET", begin, end, milliseconds, view, "{}", 3)

    names = ["id", "path", "method", "start_time", "end_time", "time_taken", "view_name", "encoded_headers"]
    store.load(Request, [*names, "num_sql_queries"], requests())
    answers = ((str(UUID(int=number)), str(UUID(int=number)), 200, "{}") for number in range(rows))
    store.load(Response, ["id", "request_id", "status_code", "encoded_headers"], answers)


def at(rows: int, only: str) -> None:
    from django.contrib.auth import get_user_model

    call_command("flush", interactive=False, verbosity=0)
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("ada"))
    begin = time.perf_counter()
    store.build(rows)
    if HAS_SILK:
        build_silk(rows)
    print(f"\n{connection.vendor}, {rows:,} events (built in {time.perf_counter() - begin:.0f} s)", flush=True)
    for name, open_page in pages(client):
        if only in name:
            measure(name, open_page)
    if only in EXPORT:
        export(client)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--only", default="", metavar="TEXT", help="measure pages whose names contain this")
    arguments = parser.parse_args()
    apps = [*settings.INSTALLED_APPS, *(["silk"] if HAS_SILK else [])]
    with store.database(postgresql=arguments.postgres, INSTALLED_APPS=apps, ROOT_URLCONF=__name__):
        django.setup()
        globals()["urlpatterns"] = urls()
        print(f"Python {platform.python_version()}, Django {django.__version__}")
        call_command("migrate", verbosity=0)
        for rows in (arguments.rows // 10, arguments.rows):
            at(rows, arguments.only)


if __name__ == "__main__":
    sys.exit(main())
