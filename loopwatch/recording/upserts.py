"""Many counters in one statement: insert the rows that are missing, add to those that are there.

``INSERT … ON CONFLICT … DO UPDATE`` is atomic, and one statement for many rows costs a small part of what one update
for each costs. Django writes such statements too, but cannot add to what is stored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model


@dataclass(frozen=True, slots=True)
class Merge:
    """What becomes of a row that is there already, by column; a column not named keeps its value."""

    unique: tuple[str, ...]
    added: tuple[str, ...] = ()
    largest: tuple[str, ...] = ()
    smallest: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    with_largest: tuple[tuple[str, str], ...] = ()
    """A column, and another one whose largest value it comes from."""
    with_smallest: tuple[tuple[str, str], ...] = ()


def are_supported(alias: str) -> bool:
    """Whether that database knows the statement: PostgreSQL and SQLite do."""
    return bool(connections[alias].features.supports_update_conflicts_with_target)


def upsert(alias: str, rows: Sequence[Model], merge: Merge) -> None:
    """Insert or merge the rows, all of one model, in their order. What they may hold is not checked."""
    connection = connections[alias]
    for some in _statements(connection, rows, merge.unique):
        fields = _fields(some[0])
        values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in some for field in fields]
        with connection.cursor() as cursor:
            cursor.execute(_sql(connection, some[0], len(some), merge), values)


def _fields(row: Model) -> "list[Field[Any, Any]]":
    return [field for field in row._meta.concrete_fields if not field.primary_key]


def _statements(connection: BaseDatabaseWrapper, rows: Sequence[Model], unique: Sequence[str]) -> Iterator[list[Model]]:
    """As many rows at once as the database takes; none may occur twice in one statement."""
    some, keys = list[Model](), set[tuple[object, ...]]()
    for row in rows:
        key = tuple(getattr(row, column) for column in unique)
        if key in keys or len(some) == connection.ops.bulk_batch_size(_fields(row), rows):
            yield some
            some, keys = [], set()
        some.append(row)
        keys.add(key)
    if some:
        yield some


def _sql(connection: BaseDatabaseWrapper, row: Model, count: int, merge: Merge) -> str:
    quote = connection.ops.quote_name
    table = quote(row._meta.db_table)
    columns = [quote(str(field.column)) for field in _fields(row)]
    unique = [quote(column) for column in merge.unique]
    changes = [
        *(f"{name} = {table}.{name} + EXCLUDED.{name}" for name in map(quote, merge.added)),
        *(f"{name} = {_chosen(table, name, name, '>')}" for name in map(quote, merge.largest)),
        *(f"{name} = {_chosen(table, name, name, '<')}" for name in map(quote, merge.smallest)),
        *(f"{quote(name)} = {_chosen(table, quote(name), quote(by), '>=')}" for name, by in merge.with_largest),
        *(f"{quote(name)} = {_chosen(table, quote(name), quote(by), '<')}" for name, by in merge.with_smallest),
        *(f"{name} = EXCLUDED.{name}" for name in map(quote, merge.replaced)),
    ]
    a_row = f"({', '.join(['%s'] * len(columns))})"
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([a_row] * count)} "  # noqa: S608 - only names
        f"ON CONFLICT ({', '.join(unique)}) DO UPDATE SET {', '.join(changes)}"
    )


def _chosen(table: str, name: str, by: str, comparison: str) -> str:
    """The functions for this have different names on different databases."""
    return f"CASE WHEN EXCLUDED.{by} {comparison} {table}.{by} THEN EXCLUDED.{name} ELSE {table}.{name} END"
