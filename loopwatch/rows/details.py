"""Reads the smaller JSON columns: contributions, delayed routes, known releases and errors."""

from collections.abc import Mapping
from dataclasses import dataclass

from loopwatch.rows.column import Column, is_number, read_entries

ENTRIES_LIMIT = 1_000
"""More entries than are ever written."""
LARGEST_INTEGER = 2**53
LONGEST_MS = 2.0**53 / 1000


@dataclass(frozen=True, slots=True)
class StoredContribution:
    """A contribution to a step: its self time and number of calls, ``None`` if the engine does not count them.

    ``function`` and ``lineno`` are the in-app code that called it; empty and 0 where that is unknown.
    """

    name: str
    own_ms: float
    count: int | None
    function: str
    lineno: int


@dataclass(frozen=True, slots=True)
class StoredDelay:
    """The number of requests of a route that waited."""

    method: str
    route: str
    requests: int


def read_contributions(stored: object) -> Column[StoredContribution]:
    """Read ``BlockingEvent.contributions``; each entry is ``{"name", "own_ms", "count", "function", "lineno"}``."""
    return read_entries(stored, _contribution, ENTRIES_LIMIT)


def read_delays(stored: object) -> Column[StoredDelay]:
    """Read ``BlockingEvent.delayed_routes``; each entry is ``[method, route, requests]``."""
    return read_entries(stored, _delay, ENTRIES_LIMIT)


def read_releases(stored: object) -> Column[str]:
    """Read ``Finding.known_releases``."""
    return read_entries(stored, lambda release: release if isinstance(release, str) else None, ENTRIES_LIMIT)


def read_errors(stored: object) -> Column[tuple[str, int]]:
    """Read ``ProcessHealth.errors``, an object of failures by source."""
    entries = [*stored.items()] if isinstance(stored, Mapping) else None
    return read_entries(entries, _error, ENTRIES_LIMIT)


def _contribution(entry: object) -> StoredContribution | None:
    match entry:
        case {
            "name": str() as name,
            "own_ms": int() | float() as own_ms,
            "count": int() | None as count,
            "function": str() as function,
            "lineno": int() as lineno,
        }:
            if is_number(own_ms, LONGEST_MS) and all(is_number(each, LARGEST_INTEGER) for each in (count or 0, lineno)):
                return StoredContribution(name, float(own_ms), count, function, lineno)
    return None


def _delay(entry: object) -> StoredDelay | None:
    match entry:
        case [str() as method, str() as route, int() as requests] if is_number(requests, LARGEST_INTEGER):
            return StoredDelay(method, route, requests)
    return None


def _error(entry: object) -> tuple[str, int] | None:
    match entry:
        case (str() as source, int() as count) if is_number(count, LARGEST_INTEGER):
            return source, count
    return None
