"""Many books as the answer to a GraphQL query, which the library completes on the loop."""

import strawberry
from strawberry.django.views import AsyncGraphQLView


@strawberry.type
class Book:
    title: str
    pages: int


BOOKS = [Book(title=f"Book {number}", pages=number) for number in range(20_000)]


@strawberry.type
class Query:
    @strawberry.field
    async def books(self, first: int) -> list[Book]:
        return BOOKS[:first]


view = AsyncGraphQLView.as_view(schema=strawberry.Schema(Query), graphql_ide=None)
