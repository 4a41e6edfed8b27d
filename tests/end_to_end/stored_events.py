"""Reads what a running site has stored, from outside, as plain rows."""

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import TooLateError, until

WRITTEN_WITHIN_S = 60

EVENTS = """
    SELECT event.blocking_call, finding.function, event.filename, event.lineno, event.route, event.method,
           event.consumer, event.exact, event.duration_us / 1000.0, event.cause
    FROM loopwatch_blockingevent AS event JOIN loopwatch_finding AS finding ON finding.id = event.finding_id
    ORDER BY event.id
"""


@dataclass(frozen=True)
class StoredEvent:
    blocking_call: str
    function: str
    filename: str
    lineno: int
    route: str
    method: str
    consumer: str
    exact: bool
    duration_ms: float
    cause: str


def stored_events(database: Path) -> list[StoredEvent]:
    with closing(sqlite3.connect(database, timeout=WRITTEN_WITHIN_S)) as connection:
        return [StoredEvent(*row) for row in connection.execute(EVENTS)]


async def events_written(database: Path, route: str, count: int) -> list[StoredEvent]:
    """The events on a route, once there are ``count`` of them or a deadline has passed."""

    def written() -> list[StoredEvent]:
        return [event for event in stored_events(database) if event.route == route]

    with suppress(TooLateError):
        await until(lambda: len(written()) >= count, within_s=WRITTEN_WITHIN_S)
    return written()
