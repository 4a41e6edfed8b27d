"""Which databases a test runs against, through the fixture ``database``."""

import pytest

SERVERS = ("postgresql", "mariadb")
"""Aliases and marks of those with a server, which ``tests.<alias>`` makes."""


def _database(alias, *marks):
    return pytest.param(alias, marks=[pytest.mark.django_db(transaction=True, databases=[alias]), *marks])


def _on(*databases):
    ids = [database.values[0].replace("default", "sqlite") for database in databases]
    return pytest.mark.parametrize("database", databases, ids=ids, indirect=True)


SQLITE = _database("default")
POSTGRESQL = _database("postgresql", pytest.mark.postgresql)
MARIADB = _database("mariadb", pytest.mark.mariadb)

on_sqlite = _on(SQLITE)
on_postgresql = _on(POSTGRESQL)
on_mariadb = _on(MARIADB)
on_servers = _on(POSTGRESQL, MARIADB)
