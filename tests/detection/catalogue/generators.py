"""Asynchronous generators, context managers and iterators."""

import asyncio
import time
from contextlib import asynccontextmanager

from loopwatch.detection.calls import Cause
from tests.detection.catalogue.case import Catalogue
from tests.detection.catalogue.peers import PAUSE_S

catalogue = Catalogue()
COMPUTING, WAITING = Cause.COMPUTING, Cause.WAITING
NO_TASK = ("",)


# Asynchronous generators, context managers, iterators


async def rows(truth):
    for number in range(2):
        await asyncio.sleep(0)
        with truth:
            time.sleep(PAUSE_S)  # blocks
        yield number


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="rows")
async def async_generator(truth):
    async for _row in rows(truth):
        await asyncio.sleep(0)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="rows")
async def async_comprehension(truth):
    [row async for row in rows(truth)]


class Pool:
    def __init__(self, truth):
        self.truth = truth

    async def __aenter__(self):
        await asyncio.sleep(0)
        with self.truth:
            time.sleep(PAUSE_S)  # blocks

    async def __aexit__(self, *_):
        await asyncio.sleep(0)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Pool.__aenter__")
async def async_context_entered(truth):
    async with Pool(truth):
        pass


class Lease:
    def __init__(self, truth):
        self.truth = truth

    async def __aenter__(self):
        await asyncio.sleep(0)

    async def __aexit__(self, *_):
        with self.truth:
            time.sleep(PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Lease.__aexit__")
async def async_context_left(truth):
    async with Lease(truth):
        await asyncio.sleep(0)


@asynccontextmanager
async def lease(truth):
    yield
    with truth:
        time.sleep(PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="lease")
async def async_context_of_generator(truth):
    async with lease(truth):
        await asyncio.sleep(0)


class Feed:
    def __init__(self, truth):
        self.truth = truth

    def __aiter__(self):
        return self

    async def __anext__(self):
        with self.truth:
            time.sleep(PAUSE_S)  # blocks
        raise StopAsyncIteration


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Feed.__anext__")
async def async_iterator(truth):
    async for _ in Feed(truth):
        pass


class Order:
    def __init__(self, truth):
        self.truth = truth

    def __await__(self):
        with self.truth:
            time.sleep(PAUSE_S)  # blocks
        return asyncio.sleep(0).__await__()


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Order.__await__")
async def awaitable(truth):
    await Order(truth)
