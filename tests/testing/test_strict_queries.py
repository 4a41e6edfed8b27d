"""Strict mode and databases: queries on the loop, through Django's ORM and without it."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from loopwatch import strict
from loopwatch.models import Finding

CURSORS = {"sqlite": "sqlite3.Cursor", "postgresql": "psycopg.Cursor", "mysql": "pymysql.cursors.Cursor"}
READ_WITH_THE_QUERY = {"mysql"}
"""Databases whose driver has all rows when the query has ended, so that fetching them blocks nobody."""


@pytest.fixture(autouse=True)
def unsafe(monkeypatch):
    """Allow synchronous queries on the loop, which Django refuses otherwise."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


def calls_in(function):
    async def main():
        with strict() as watcher:
            function()
        connections.close_all()  # a coroutine has connections of its own
        return watcher.calls

    return asyncio.run(main())


def test_a_query_through_the_orm_is_found(database):
    def query():
        assert Finding.objects.count() == 0

    calls = calls_in(query)
    assert f"{CURSORS[database.vendor]}.execute" in {call.name for call in calls}
    assert {call.called_name.partition(".")[0] for call in calls} == {"django"}
    assert {call.function.rpartition(".")[2] for call in calls} == {"query"}


def test_a_query_past_the_orm_is_found(database):
    def query():
        with database.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert list(cursor.fetchall()) == [(1,)]

    names = [call.name for call in calls_in(query)]
    assert f"{CURSORS[database.vendor]}.execute" in names
    assert (f"{CURSORS[database.vendor]}.fetchall" in names) == (database.vendor not in READ_WITH_THE_QUERY)


def test_a_query_past_django_is_found(database):
    def query():
        cursor = driver.cursor()
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
        cursor.close()

    database.ensure_connection()
    driver = database.connection
    names = [call.name for call in calls_in(query)]
    assert f"{CURSORS[database.vendor]}.execute" in names
    assert (f"{CURSORS[database.vendor]}.fetchone" in names) == (database.vendor not in READ_WITH_THE_QUERY)


async def test_the_asynchronous_orm_queries_in_a_thread(database):
    with strict(every_thread=True) as watcher:
        assert await Finding.objects.acount() == 0
    await sync_to_async(connections.close_all)()
    assert watcher.calls == []
