"""Adds rows of counters to stored ones: inserts the rows that are missing, and merges the others.

One atomic statement merges many rows, which costs a small part of one update for each row: ``INSERT … ON CONFLICT … DO
UPDATE`` on PostgreSQL and SQLite, ``INSERT … ON DUPLICATE KEY UPDATE`` on MariaDB and MySQL. Django's ``bulk_create()``
writes such statements too, but only replaces values. Other databases merge row by row.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, F, Field, Model, QuerySet, Value, When


@dataclass(frozen=True, slots=True)
class Merge:
    """Merges a row into the stored row with the same ``unique`` columns. A column not named keeps its value."""

    unique: tuple[str, ...]
    added: tuple[str, ...] = ()
    largest: tuple[str, ...] = ()
    smallest: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    with_largest: tuple[tuple[str, str], ...] = ()
    """Columns that come from the row with the larger value of another column."""
    with_smallest: tuple[tuple[str, str], ...] = ()

    @property
    def choices(self) -> Iterator[tuple[str, str, str]]:
        """Yield columns, each with the column that decides and how the new value must compare to be chosen.

        Columns that decide for others come last, because MariaDB and MySQL apply the assignments of a statement one by
        one, from left to right: https://dev.mysql.com/doc/refman/8.4/en/update.html
        """
        yield from ((name, by, ">=") for name, by in self.with_largest)
        yield from ((name, by, "<") for name, by in self.with_smallest)
        yield from ((name, name, ">") for name in self.largest)
        yield from ((name, name, "<") for name in self.smallest)


def upsert(alias: str, rows: Sequence[Model], merge: Merge) -> None:
    """Insert or merge the rows, all of one model, in their order. Values are not validated."""
    connection = connections[alias]
    if connection.features.supports_update_conflicts:
        for some in _statements(connection, rows, merge.unique):
            _upsert_together(connection, some, merge)
    else:
        for row in rows:
            _upsert_one(alias, row, merge)


def update(alias: str, rows: Sequence[Model], merge: Merge) -> None:
    """Merge the rows as ``upsert`` does, but only those that are stored."""
    for row in rows:
        _update_one(alias, row, merge)


def _upsert_together(connection: BaseDatabaseWrapper, rows: Sequence[Model], merge: Merge) -> None:
    fields = _fields(rows[0])
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(_sql(connection, rows[0], len(rows), merge), values)


def _upsert_one(alias: str, row: Model, merge: Merge) -> None:
    if _update_one(alias, row, merge):
        return
    # Another process may insert the row at the same moment, so it is inserted with nothing to add, then updated.
    empty = copy(row)
    for column in merge.added:
        setattr(empty, column, 0)
    _stored(alias, row).bulk_create([empty], ignore_conflicts=True)
    if not _update_one(alias, row, merge):
        raise OperationalError(f"{row!r} could neither be inserted nor updated")


def _update_one(alias: str, row: Model, merge: Merge) -> bool:
    """Return whether the row is stored."""
    unique = {column: getattr(row, column) for column in merge.unique}
    return bool(_stored(alias, row).filter(**unique).update(**_changes(row, merge)))


def _stored(alias: str, row: Model) -> QuerySet[Any, Any]:
    return QuerySet(type(row), using=alias)


def _changes(row: Model, merge: Merge) -> dict[str, Any]:
    lookups = {">=": "lte", "<": "gt", ">": "lt"}
    fields = {field.attname: field for field in _fields(row)}
    values = {name: Value(getattr(row, name), output_field=field) for name, field in fields.items()}
    chosen = {
        name: Case(
            When(**{f"{by}__{lookups[comparison]}": values[by]}, then=values[name]),
            default=F(name),
            output_field=fields[name],
        )
        for name, by, comparison in merge.choices
    }
    added = {column: F(column) + getattr(row, column) for column in merge.added if getattr(row, column)}
    return chosen | added | {column: values[column] for column in merge.replaced}


def _fields(row: Model) -> "list[Field[Any, Any]]":
    return [field for field in row._meta.concrete_fields if not field.primary_key]


def _statements(connection: BaseDatabaseWrapper, rows: Sequence[Model], unique: Sequence[str]) -> Iterator[list[Model]]:
    """Divide the rows into statements: as many as the database accepts at once, and none twice."""
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
    if connection.features.supports_update_conflicts_with_target:
        new, on_conflict = "EXCLUDED.{}", f"ON CONFLICT ({', '.join(map(quote, merge.unique))}) DO UPDATE SET"
    else:  # VALUES() rather than MySQL's alias of the new row, which MariaDB does not have.
        new, on_conflict = "VALUES({})", "ON DUPLICATE KEY UPDATE"
    changes = [
        *(f"{name} = {table}.{name} + {new.format(name)}" for name in map(quote, merge.added)),
        *(
            f"{quote(name)} = {_chosen(table, new, quote(name), quote(by), comparison)}"
            for name, by, comparison in merge.choices
        ),
        *(f"{name} = {new.format(name)}" for name in map(quote, merge.replaced)),
    ]
    a_row = f"({', '.join(['%s'] * len(columns))})"
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([a_row] * count)} "  # noqa: S608 - only names
        f"{on_conflict} {', '.join(changes)}"
    )


def _chosen(table: str, new: str, name: str, by: str, comparison: str) -> str:
    """Choose with ``CASE``, because GREATEST and LEAST have another name on SQLite."""
    return f"CASE WHEN {new.format(by)} {comparison} {table}.{by} THEN {new.format(name)} ELSE {table}.{name} END"
