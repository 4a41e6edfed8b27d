"""Examples about waiting within the machine."""

import asyncio
import gc
import gzip
import logging
import sys
import threading
from asyncio.subprocess import PIPE
from concurrent.futures import ThreadPoolExecutor
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue

from asgiref.sync import sync_to_async
from django.core import mail
from django.utils.log import AdminEmailHandler

from tests.advice.examples import executes


@executes("sleep")
async def test_the_loop_goes_on_meanwhile(example):
    ran = []
    asyncio.get_running_loop().call_soon(ran.append, "other")
    await example(asyncio=asyncio, seconds=0.001)
    assert ran == ["other"]


@executes("subprocess")
async def test_a_program_is_run(example):
    found = await example(asyncio=asyncio, command=[sys.executable, "-c", "print(7)"], PIPE=PIPE)
    assert found["output"].split() == [b"7"]


@executes("fork")
async def test_a_program_is_started(example):
    started = await example(asyncio=asyncio, command=[sys.executable, "-c", "pass"])
    assert await started["process"].wait() == 0


@executes("file")
async def test_a_file_is_read(example, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("hello")
    assert (await example(asyncio=asyncio, path=path))["text"] == "hello"


@executes("archive")
async def test_data_is_compressed(example):
    assert gzip.decompress((await example(asyncio=asyncio, gzip=gzip, data=b"hello"))["packed"]) == b"hello"


@executes("lock")
async def test_locks_are_taken(example):
    stock_lock, lock = asyncio.Lock(), threading.Lock()
    held = []

    async def recount():
        held.append(stock_lock.locked())

    await example(asyncio=asyncio, stock_lock=stock_lock, recount=recount, lock=lock)
    assert held == [True]
    assert lock.locked()


@executes("future")
async def test_a_future_of_another_thread_is_awaited(example):
    with ThreadPoolExecutor() as pool:
        assert (await example(asyncio=asyncio, future=pool.submit(sum, [3, 4])))["result"] == 7


@executes("logging")
async def test_a_record_is_mailed_by_another_thread(example, settings, mailer):
    settings.ADMINS = ["admin@example.org"] if django_version() >= (6, 0) else [("Admin", "admin@example.org")]
    logger = logging.getLogger("shop")
    names = {"QueueHandler": QueueHandler, "QueueListener": QueueListener, "SimpleQueue": SimpleQueue}
    found = await example(logging=logging, AdminEmailHandler=AdminEmailHandler, **names)
    try:
        logger.error("The till is %s", "empty")
    finally:
        found["listener"].stop()
        logger.handlers.clear()
    assert ["The till is empty" in message.subject for message in mail.outbox] == [True]


def django_version():
    import django

    return django.VERSION[:2]


@executes("garbage-collection")
async def test_objects_are_frozen(example):
    thresholds = gc.get_threshold()
    try:
        await example(gc=gc)
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] == 50_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


@executes("waiting")
async def test_a_call_is_made_in_a_thread(example):
    names = {"asyncio": asyncio, "sync_to_async": sync_to_async}
    result = await example(**names, call=lambda _: threading.get_ident(), argument=1)
    assert result["result"] != threading.get_ident()
