"""Examples that use drivers of databases and caches."""

import psycopg
import pytest
import redis.asyncio
from asgiref.sync import sync_to_async
from django.db import connections

from tests.advice.examples import executes
from tests.advice.examples.books import Book, Order


@executes("database")
async def test_books_are_queried(example, books):
    found = await example(
        Book=Book,
        bought_again=Book.objects.all,
        sync_to_async=sync_to_async,
        build_figures=Book.objects.count,
    )
    assert (found["pairs"], found["cheap"], found["figures"]) == (2, books[:1], 2)


@executes("repeated-query")
async def test_one_query_has_all_orders_with_their_books(example, books):
    keys = [book.pk for book in books]
    found = await example(Book=Book, Order=Order, keys=keys)
    assert sorted(found["titles"]) == ["Emma", "Emma", "Ulysses"]  # a query here would raise SynchronousOnlyOperation
    assert found["books"] == {book.pk: book for book in books}


@executes("psycopg")
@pytest.mark.postgresql
async def test_a_server_answers_an_asynchronous_connection(example):
    server = connections["postgresql"].settings_dict
    conninfo = f"host={server['HOST']} user={server['USER']} dbname=postgres"
    assert (await example(psycopg=psycopg, conninfo=conninfo))["row"] == (42,)


@executes("redis")
async def test_a_server_answers_an_asynchronous_client(example, redis_port):
    url = f"redis://127.0.0.1:{redis_port}"
    async with redis.asyncio.Redis.from_url(url) as other:
        await other.set("book", "Emma")
    found = await example(redis=redis, url=url, key="book")
    await found["client"].aclose()
    assert found["value"] == b"Emma"
