"""A busy half minute in the shop: people who browse and chat, while others run into the mistakes and their twins."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic

import httpx
from websockets.exceptions import WebSocketException

from testproject.demo.client import Visitor, say
from testproject.mistakes import ALL_MISTAKES, Visit

SHOPPERS = 4
ROUND_S = 7.0
LEAST_ROUNDS = 2
PAGES = ("/", "/catalogue/", "/catalogue/?q=river", "/catalogue/?page=3", "/catalogue/7/", "/notes/", "/chat/")
REMARKS = ("Has anyone read the new one?", "Twice!", "The ending, though.", "No spoilers, please.", "Who wants tea?")


class VisitError(Exception):
    """The shop did not answer a visit as it should."""


@dataclass(slots=True)
class Tally:
    """What has happened so far."""

    pages: int = 0
    messages: int = 0
    mistakes: int = 0
    twins: int = 0
    longest_wait_s: float = 0.0


async def send_traffic(site: str, login: tuple[str, str], seconds: float, tally: Tally) -> None:
    """Visit ``site`` for about ``seconds``: every mistake and every twin a few times.

    Raises a group of ``VisitError`` as soon as a visit fails.
    """
    crowd = [browse(site, None, tally) for _ in range(SHOPPERS - 1)]
    crowd += [browse(site, login, tally), chatter(site, tally), chatter(site, tally)]
    async with asyncio.TaskGroup() as group:
        others = [group.create_task(one) for one in crowd]
        await make_mistakes(site, seconds, tally)
        for one in others:
            one.cancel()


async def browse(site: str, login: tuple[str, str] | None, tally: Tally) -> None:
    async with answered("a shopper's visit"), Visitor(site) as visitor:
        if login:
            await visitor.log_in(*login)
        while True:
            started = monotonic()
            await visitor.get(random.choice(PAGES))
            tally.longest_wait_s = max(tally.longest_wait_s, monotonic() - started)
            tally.pages += 1
            await asyncio.sleep(random.uniform(0.05, 0.25))


async def chatter(site: str, tally: Tally) -> None:
    path = "/ws/chat/lobby/fixed/"
    async with answered(path), Visitor(site) as visitor, visitor.chat(path) as room:
        while True:
            await say(room, random.choice(REMARKS))
            tally.messages += 1
            await asyncio.sleep(random.uniform(0.5, 1.5))


async def make_mistakes(site: str, seconds: float, tally: Tally) -> None:
    """Spread whole rounds over the time; each mistake is made while another one's twin is visited."""
    rounds = max(LEAST_ROUNDS, round(seconds / ROUND_S))
    pause_s = seconds / (rounds * len(ALL_MISTAKES))
    started = monotonic()
    async with answered("/"), Visitor(site) as visitor:
        for number in range(rounds * len(ALL_MISTAKES)):
            await asyncio.sleep(started + number * pause_s - monotonic())
            mistake, other = ALL_MISTAKES[number % len(ALL_MISTAKES)], ALL_MISTAKES[(number + 5) % len(ALL_MISTAKES)]
            await asyncio.gather(make(visitor, mistake.visit), make(visitor, other.twin))
            tally.mistakes += 1
            tally.twins += 1
    await asyncio.sleep(started + seconds - monotonic())


async def make(visitor: Visitor, visit: Visit) -> None:
    async with answered(visit.path):
        await asyncio.gather(*(visitor.visit(visit) for _ in range(visit.visitors)))


@asynccontextmanager
async def answered(what: str) -> AsyncIterator[None]:
    """Turn whatever a client raises into a ``VisitError`` that says what was asked for."""
    try:
        yield
    except (httpx.HTTPError, WebSocketException, OSError) as error:
        raise VisitError(f"{what}: {type(error).__name__}: {error}") from error
