"""The resolver of the field that graphql-core completes is found in its frames."""

import asyncio
import sys
from types import SimpleNamespace
from typing import NamedTuple

import graphql
import pytest
import strawberry

from loopwatch.detection.cpython.graphql_fields import COMPLETES_FIELD, resolver_at

names = []


def outermost_resolver():
    frame, found = sys._getframe(), None
    while frame is not None:
        found = frame if frame.f_code.co_name == COMPLETES_FIELD else found
        frame = frame.f_back
    names.append(resolver_at(found))


def note_resolver(*_):
    outermost_resolver()
    return "Emma"


@strawberry.type
class Author:
    @strawberry.field
    def name(self) -> str:
        return note_resolver()


@strawberry.type
class Book:
    author: Author


@strawberry.type
class Query:
    @strawberry.field
    def books(self) -> list[Book]:
        return [Book(author=Author())]

    @strawberry.field
    async def ordered_books(self) -> list[Book]:
        return [Book(author=Author())]


@pytest.fixture(autouse=True)
def _nothing_noted():
    names.clear()


def test_the_resolver_of_the_outermost_field_is_found_behind_strawberry():
    assert strawberry.Schema(Query).execute_sync("{ books { author { name } } }").data
    assert names == [f"{__name__}.Query.books"]


def test_the_resolver_of_a_field_that_was_awaited_is_found():
    assert asyncio.run(strawberry.Schema(Query).execute("{ orderedBooks { author { name } } }")).data
    assert names == [f"{__name__}.Query.ordered_books"]


def by_graphql_core(resolve):
    book = graphql.GraphQLObjectType(
        "Book", {"title": graphql.GraphQLField(graphql.GraphQLString, resolve=note_resolver)}
    )
    query = graphql.GraphQLObjectType("Query", {"book": graphql.GraphQLField(book, resolve=resolve)})
    assert graphql.graphql_sync(graphql.GraphQLSchema(query), "{ book { title } }").data


def resolve_book(*_):
    return {}


def test_the_resolver_of_plain_graphql_core_is_found():
    by_graphql_core(resolve_book)
    assert names == [f"{__name__}.resolve_book"]


class ByLibrary:
    """A resolver that is no function."""

    def __call__(self, *_):
        return {}


def test_a_field_whose_resolver_is_no_function_of_the_site_is_named_by_its_type():
    by_graphql_core(ByLibrary())
    assert names == ["Query.book"]


class Info(NamedTuple):
    field_name: str
    parent_type: object


def complete_value(info):
    return resolver_at(sys._getframe())


def test_a_function_of_that_name_elsewhere_completes_no_field():
    assert complete_value(Info("books", SimpleNamespace(name="Query"))) == ""
