"""Every mistake the shop makes becomes one finding, with the right names and line; no corrected twin becomes any."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from testproject.demo.client import Visitor
from testproject.demo.login import ADMIN_NAME, ADMIN_PASSWORD
from testproject.demo.traffic import PAGES
from testproject.mistakes import MISTAKES, Mistake
from tests.end_to_end.conftest import ServedShop
from tests.end_to_end.stored_events import events_written, stored_events

pytestmark = pytest.mark.asyncio(loop_scope="session")

every_mistake = pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
KEEP_THE_GIL = [mistake for mistake in MISTAKES if mistake.name in ("json", "regular-expression")]
SLEEP = next(mistake for mistake in MISTAKES if mistake.name == "retry-sleep")
ADMIN_PAGES = ("/admin/", "/admin/loopwatch/finding/", "/admin/catalogue/book/", "/admin/orders/order/?q=a")


@pytest.mark.parametrize("mistake", KEEP_THE_GIL, ids=lambda mistake: mistake.name)
async def test_a_call_that_keeps_the_gil_is_named_most_of_the_time_and_never_wrongly_called_exact(
    shop: ServedShop, mistake: Mistake
):
    """Django's own threads may come between the end of the call and its sample; then the report is not exact."""
    known = len([event for event in stored_events(shop.database) if event.route == mistake.visit.route])
    async with Visitor(shop.site) as visitor:
        for _ in range(5):
            await visitor.visit(mistake.visit)

    events = (await events_written(shop.database, mistake.visit.route, known + 5))[known:]

    assert len(events) == 5
    assert {event.function for event in events} == {mistake.function}
    named = [event for event in events if event.blocking_call in mistake.blocking_calls]
    assert len(named) >= 3, events
    assert {event.lineno for event in named} <= set(mistake.line_numbers())
    assert not [event for event in events if event.exact and event not in named]


@pytest.mark.parametrize(
    "mistake", [each for each in MISTAKES if each not in KEEP_THE_GIL], ids=lambda mistake: mistake.name
)
async def test_a_mistake_is_found_with_its_call_function_and_line(shop: ServedShop, mistake: Mistake):
    known = len([event for event in stored_events(shop.database) if event.route == mistake.visit.route])
    async with Visitor(shop.site) as visitor:
        await visitor.visit(mistake.visit)

    events = (await events_written(shop.database, mistake.visit.route, known + 1))[known:]

    assert [event.blocking_call in mistake.blocking_calls for event in events] == [True], events
    assert [event.function for event in events] == [mistake.function]
    assert events[0].filename.endswith(mistake.filename.name)
    assert events[0].lineno in mistake.line_numbers()
    assert events[0].exact
    assert events[0].method == ("WebSocket" if mistake.visit.is_websocket else mistake.visit.method)
    consumer = "testproject.chat.consumers.ChatConsumer" if mistake.visit.is_websocket else ""
    assert events[0].consumer == consumer


@every_mistake
async def test_a_corrected_twin_is_not_found(shop: ServedShop, mistake: Mistake):
    async with Visitor(shop.site) as visitor, nothing_is_found(shop, visitor):
        await visitor.visit(mistake.twin)
        await visitor.visit(mistake.twin)


async def test_the_admin_and_ordinary_pages_are_not_found(shop: ServedShop):
    async with Visitor(shop.site) as visitor, nothing_is_found(shop, visitor):
        await visitor.log_in(ADMIN_NAME, ADMIN_PASSWORD)
        for path in (*PAGES, *ADMIN_PAGES):
            await visitor.get(path)


@asynccontextmanager
async def nothing_is_found(shop: ServedShop, visitor: Visitor) -> AsyncIterator[None]:
    """Nothing done inside is stored. What is recorded first is written first, so a last mistake shows when to look."""
    before = stored_events(shop.database)
    yield
    await visitor.visit(SLEEP.visit)
    slept = len([event for event in before if event.route == SLEEP.visit.route])
    await events_written(shop.database, SLEEP.visit.route, slept + 1)

    added = stored_events(shop.database)[len(before) :]
    assert [event.blocking_call for event in added] == ["time.sleep"], added


async def test_the_table_of_mistakes_points_at_lines_that_exist():
    for mistake in MISTAKES:
        assert len(mistake.line_numbers()) == len(mistake.source_lines), mistake.name
        assert mistake.twin.path != mistake.visit.path
