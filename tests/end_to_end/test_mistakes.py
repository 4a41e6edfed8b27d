"""Every mistake the shop makes becomes one finding, with the right names and line; no corrected twin becomes any."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import pytest

from loopwatch.detection.calls import Cause
from testproject.demo.client import Visitor
from testproject.demo.login import ADMIN_NAME, ADMIN_PASSWORD
from testproject.demo.traffic import PAGES
from testproject.mistakes import MISTAKES, Mistake
from tests.end_to_end.conftest import Shop
from tests.end_to_end.stored_events import StoredEvent, events_written, stored_events
from tests.support.real_time import OneRun, RealTime
from tests.support.witness import Witness

pytestmark = [pytest.mark.real_time, pytest.mark.asyncio(loop_scope="session")]

every_mistake = pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
# A key was derived with the GIL before cryptography 50.
IS_CRYPTOGRAPHY_OLD = int(version("cryptography").partition(".")[0]) < 50
KEEP_THE_GIL = {"json", "regular-expression"} | ({"card-hash"} if IS_CRYPTOGRAPHY_OLD else set())
SLEEP = next(mistake for mistake in MISTAKES if mistake.name == "retry-sleep")
HASH = next(mistake for mistake in MISTAKES if mistake.name == "card-hash")
ADMIN_PAGES = ("/admin/", "/admin/loopwatch/finding/", "/admin/catalogue/book/", "/admin/orders/order/?q=a")


@every_mistake
async def test_a_mistake_is_found_with_its_call_function_and_line(shop: Shop, mistake: Mistake, real_time: RealTime):
    async with Visitor(shop.address) as visitor:
        for run in real_time.runs():
            known = len([event for event in stored_events(shop.database) if event.route == mistake.visit.route])
            with Witness(shop.server.pid) as witness:
                await visitor.visit(mistake.visit)
            await everything_is_written(shop, visitor, by=HASH if mistake is SLEEP else SLEEP)
            events = [event for event in stored_events(shop.database) if event.route == mistake.visit.route][known:]
            account_for(run, mistake, events, witness)


def account_for(run: OneRun, mistake: Mistake, events: list[StoredEvent], witness: Witness) -> None:
    if len(events) > 1 or not all(is_true(event, mistake) for event in events):
        run.false(f"{mistake.name}: {events}")
    elif events and is_exact(events[0], mistake):
        run.exact()
    else:
        run.inexact(witness, f"{mistake.name}: {events}")


def is_true(event: StoredEvent, mistake: Mistake) -> bool:
    """An event that is not exact need not have the call."""
    is_websocket = mistake.visit.is_websocket
    return (
        event.function == mistake.function
        and event.filename.endswith(mistake.filename.name)
        and event.method == ("WebSocket" if is_websocket else mistake.visit.method)
        and event.consumer == ("testproject.chat.consumers.ChatConsumer" if is_websocket else "")
        and (
            event.lineno in mistake.line_numbers() if event.blocking_call in mistake.blocking_calls else not event.exact
        )
    )


def is_exact(event: StoredEvent, mistake: Mistake) -> bool:
    return event.blocking_call in mistake.blocking_calls and (event.exact or mistake.name in KEEP_THE_GIL)


async def test_no_corrected_twin_is_found(shop: Shop):
    async with Visitor(shop.address) as visitor, nothing_is_found(shop, visitor):
        for mistake in MISTAKES:
            await visitor.visit(mistake.twin)


async def test_the_admin_and_ordinary_pages_are_not_found(shop: Shop):
    async with Visitor(shop.address) as visitor, nothing_is_found(shop, visitor):
        await visitor.log_in(ADMIN_NAME, ADMIN_PASSWORD)
        for path in (*PAGES, *ADMIN_PAGES):
            await visitor.get(path)


@asynccontextmanager
async def nothing_is_found(shop: Shop, visitor: Visitor) -> AsyncIterator[None]:
    """Fail if a call made inside is stored. A thread that kept the GIL is no call of the loop's, and rightly stored."""
    before = stored_events(shop.database)
    yield
    await everything_is_written(shop, visitor, by=SLEEP)
    added = [event for event in stored_events(shop.database)[len(before) :] if event.cause != Cause.GIL_HELD]
    assert [event.route for event in added] == [SLEEP.visit.route], added


async def everything_is_written(shop: Shop, visitor: Visitor, *, by: Mistake) -> None:
    """Wait until a last mistake is stored: stalls that were recorded before it are written no later."""
    known = len([event for event in stored_events(shop.database) if event.route == by.visit.route])
    await visitor.visit(by.visit)
    await events_written(shop.database, by.visit.route, known + 1)


async def test_the_table_of_mistakes_points_at_lines_that_exist():
    for mistake in MISTAKES:
        assert len(mistake.line_numbers()) == len(mistake.source_lines), mistake.name
        assert mistake.twin.path != mistake.visit.path
