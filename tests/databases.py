"""Which databases a test runs against, through the fixture ``database``."""

import pytest


def _database(alias, *marks):
    return pytest.param(alias, marks=[pytest.mark.django_db(transaction=True, databases=[alias]), *marks])


SQLITE = _database("default")
POSTGRESQL = _database("postgresql", pytest.mark.postgresql)

on_sqlite = pytest.mark.parametrize("database", [SQLITE], ids=["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database", [POSTGRESQL], ids=["postgresql"], indirect=True)
