"""A store of any size, as years of recording would leave it, made within minutes; and the database it lies in.

A thousand stored events make five findings. Twenty findings have ten thousand events each (as many as the settings
allow), the others share the rest; one in a hundred findings happens every hour of the year, on two routes, the others
now and then. Requests on fifty routes wait every hour of the year, and sixteen processes are always busy.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.color import no_style
from django.db import connection, models

from tests import settings as ordinary
from tests.postgresql import Server

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
HOURS = 365 * 24
NEW_RELEASE = NOW - timedelta(days=7)
FINDINGS_PER_EVENT = 1 / 200
HEAVY = 20
HEAVY_EVENTS = 10_000
PROCESSES = 16
FRAMES = [
    [
        f"shop/layer_{depth}.py",
        f"shop.layer_{depth}",
        f"function_{depth}",
        40 + depth,
        40 + depth,
        8,
        40,
        1,
        "await call()",
    ]
    for depth in range(15)
]
STACKS = json.dumps({"version": 1, "frames": FRAMES, "samples": [[100.0, list(range(15))]]})

Rows = Iterable[tuple[Any, ...]]


@contextmanager
def database(*, postgresql: bool, **changes: Any) -> Iterator[None]:
    """Configure Django for an empty database that is gone afterwards; ``changes`` replace settings of the tests."""
    with ExitStack() as stack:
        if postgresql:
            server = Server(durable=True)
            stack.callback(server.remove)
            server.start()
            options = server.settings
        else:
            folder = stack.enter_context(TemporaryDirectory())
            options = {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(folder) / "store.sqlite3"}
        values = {name: value for name, value in vars(ordinary).items() if name.isupper()}
        settings.configure(**values | {"DATABASES": {"default": options}, "ALLOWED_HOSTS": ["*"]} | changes)
        yield
        connection.close()


def build(events: int) -> None:
    """Fill the empty tables of loopwatch."""
    from loopwatch.models import BlockingEvent, Finding, HourlyTotal, LoopTime, RouteTotal

    findings = max(HEAVY * 5, round(events * FINDINGS_PER_EVENT))
    load(Finding, ["id", *_FINDING], _findings(findings))
    load(BlockingEvent, ["id", *_EVENT], _events(events, findings))
    load(HourlyTotal, _HOUR, _hours(findings))
    load(RouteTotal, _ROUTE, _routes())
    load(LoopTime, _LOOP_TIME, _loop_times())
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Finding, BlockingEvent, HourlyTotal]):
            cursor.execute(statement)
        cursor.execute("ANALYZE")


def load(model: type[models.Model], names: list[str], rows: Rows) -> None:
    """Insert rows, given as tuples of these columns; every other column has its default."""
    defaults = dict(_defaults(model, names))
    columns = [*names, *defaults]
    padded = ((*row, *defaults.values()) for row in rows)
    if connection.vendor == "postgresql":
        _copy(model._meta.db_table, columns, padded)
    else:
        _insert(model._meta.db_table, columns, padded)


def _defaults(model: type[models.Model], names: list[str]) -> Iterator[tuple[str, Any]]:
    for field in model._meta.concrete_fields:
        if field.column not in names and not field.primary_key and not field.null:
            value = field.get_default()
            yield field.column, json.dumps(value) if isinstance(value, (dict, list)) else value


def _copy(table: str, columns: list[str], rows: Rows) -> None:
    connection.ensure_connection()
    quoted = ", ".join(f'"{column}"' for column in columns)
    with connection.connection.cursor() as cursor, cursor.copy(f"COPY {table} ({quoted}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _insert(table: str, columns: list[str], rows: Rows) -> None:
    connection.ensure_connection()
    quoted, marks = ", ".join(f'"{column}"' for column in columns), ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({quoted}) VALUES ({marks})"
    adapted = (tuple(_text(value) if isinstance(value, datetime) else value for value in row) for row in rows)
    connection.connection.execute("BEGIN")
    while batch := list(islice(adapted, 10_000)):
        connection.connection.executemany(statement, batch)
    connection.connection.execute("COMMIT")


def _text(moment: datetime) -> str:
    return str(moment.replace(tzinfo=None))


_FINDING = [
    "fingerprint", "blocking_call", "function", "filename", "lineno", "source", "cause", "exact", "events",
    "events_thinned", "blocked_us", "longest_us", "requests_delayed", "delay_us", "first_seen", "last_seen", "status",
]  # fmt: skip
_EVENT = [
    "finding_id", "stall_id", "started_at", "duration_us", "step_us", "cause", "engine", "called_name", "leaf_name",
    "filename", "lineno", "source", "request_kind", "method", "route", "requests_delayed", "task_name", "host",
    "process_id", "release", "contributions", "stacks",
]  # fmt: skip
_HOUR = [
    "finding_id", "hour", "method", "route", "release", "events", "blocked_us", "longest_us", "requests_delayed",
    "delay_us", "under_100ms",
]  # fmt: skip
_ROUTE = ["hours", "start", "method", "route", "events", "blocked_us", "delay_us", "waits", "waited_us"]
_LOOP_TIME = [
    "minutes", "start", "host", "process_id", "since", "events", "blocked_us", "longest_us", "busy_us",
]  # fmt: skip


def _findings(count: int) -> Iterator[tuple[Any, ...]]:
    for number in range(1, count + 1):
        called, function = (
            f"library_{number % 97}.client.Client.call_{number}",
            f"shop.views_{number % 211}.view_{number}",
        )
        filename, events = f"shop/views_{number % 211}.py", 1_000_000 // number + 1
        status = "resolved" if number % 5 == 0 else "open"
        yield (
            number, f"{number:032x}", called, function, filename, number % 900, "client.call()", "waiting", True,
            events, events // 2, events * 100_000, 2_000_000 + number, events, events * 9, NOW - timedelta(days=365),
            NOW - timedelta(hours=number % 2000), status,
        )  # fmt: skip


def _events(count: int, findings: int) -> Iterator[tuple[Any, ...]]:
    heavy = min(HEAVY * HEAVY_EVENTS, count // 5)
    for number in range(1, count + 1):
        finding = number % HEAVY + 1 if number <= heavy else HEAVY + 1 + number % (findings - HEAVY)
        duration_us = 60_000 + number * 7919 % 900_000
        yield (
            number, finding, f"{number:032x}", NOW - timedelta(seconds=number * 31_000_000 // count), duration_us,
            duration_us, "waiting", "sampling", "client.call", "socket.recv", f"shop/views_{finding % 211}.py", 41,
            "client.call()", "http", "GET", f"shop/{finding % 50}/<int:pk>/", number % 5, f"Task-{number}", "web-1",
            4711, "1.4.2", "[]", STACKS,
        )  # fmt: skip


def _hours(findings: int) -> Iterator[tuple[Any, ...]]:
    hours = [NOW - timedelta(hours=hour) for hour in range(HOURS)]
    for finding in range(1, findings + 1):
        always = finding <= findings // 100
        routes = 2 if always else 1 + finding % 2
        for hour in hours if always else hours[finding % 150 :: 150]:
            for route in range(routes):
                release = "1.4.2" if hour < NEW_RELEASE else "1.5.0"
                yield (finding, hour, "GET", f"shop/{route}/<int:pk>/", release, 5, 500_000, 200_000, 3, 9_000, 5)


def _routes() -> Iterator[tuple[Any, ...]]:
    for hours in (1, 24):
        for hour in range(0, HOURS, hours):
            start = (NOW - timedelta(hours=hour)).replace(**({"hour": 0} if hours == 24 else {}))
            for route in range(50):
                yield (hours, start, "GET", f"shop/{route}/<int:pk>/", 60, 6_000_000, 9_000, 60, 9_000)


def _loop_times() -> Iterator[tuple[Any, ...]]:
    for minutes, rows in ((1, 50 * 60), (60, 32 * 24)):
        for row in range(rows):
            for process in range(PROCESSES):
                start = NOW - timedelta(minutes=minutes * row)
                yield (minutes, start, f"web-{process % 4}", process, NEW_RELEASE, 5, 500_000, 200_000, 9_000_000)
