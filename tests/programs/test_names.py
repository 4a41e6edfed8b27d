"""Under which name a stall of a program is reported."""

import asyncio
import threading
import time

import pytest
from asgiref.sync import async_to_sync
from django.core.asgi import get_asgi_application

from loopwatch import recording, site_monitor
from loopwatch.asgi import LoopWatch
from tests.programs.bot import BOT, around_a_loop, named, reports, stall
from tests.support.asgi import get


def in_a_coroutine():
    async def main():
        async with recording(name="bot"):
            await stall()

    asyncio.run(main())


def in_a_coroutine_without_async():
    async def main():
        with recording(name="bot"):
            await stall()

    asyncio.run(main())


@recording(name="bot")
def a_function():
    asyncio.run(stall())


def a_coroutine_function():
    asyncio.run(recording(name="bot")(stall)())


def a_loop_of_async_to_sync():
    with recording(name="bot"):
        async_to_sync(stall)()


def a_loop_in_a_thread():
    with recording(name="bot"):
        thread = threading.Thread(target=lambda: asyncio.run(stall()))
        thread.start()
        thread.join()


def a_callback_of_a_thread():
    async def main():
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def callback():
            time.sleep(0.06)
            done.set()

        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(callback,))
        thread.start()
        await done.wait()
        await asyncio.to_thread(thread.join)

    with recording(name="bot"):
        asyncio.run(main())


def a_task_that_is_older_than_the_block():
    async def older(begun):
        await begun.wait()
        time.sleep(0.06)

    async def main():
        begun = asyncio.Event()
        task = asyncio.create_task(older(begun))
        await asyncio.sleep(0)
        async with recording(name="bot"):
            begun.set()
            await task

    asyncio.run(main())


WAYS = [
    around_a_loop,
    in_a_coroutine,
    in_a_coroutine_without_async,
    a_function,
    a_coroutine_function,
    a_loop_of_async_to_sync,
    a_loop_in_a_thread,
    a_callback_of_a_thread,
    a_task_that_is_older_than_the_block,
]


@pytest.mark.real_stall
@pytest.mark.parametrize("way", WAYS)
def test_a_stall_of_a_program_is_reported_under_its_name(way):
    way()
    (call,) = [call for call in reports if call.method_name == "time.sleep"]
    assert call.request == BOT


@pytest.mark.real_stall
def test_a_loop_of_uvloop_is_recorded():
    uvloop = pytest.importorskip("uvloop")
    with recording(name="bot"), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(stall())
    assert named() == ["bot"]


@pytest.mark.real_stall
def test_inside_another_block_the_inner_name_counts():
    async def main():
        await stall()
        async with recording(name="command"):
            await stall()
        await stall()

    with recording(name="bot"):
        asyncio.run(main())
    assert named() == ["bot", "command", "bot"]


@pytest.mark.real_stall
def test_concurrent_blocks_of_one_loop_have_their_own_names():
    async def one(name, others):
        async with recording(name=name):
            others.append(name)
            while len(others) < 2:
                await asyncio.sleep(0)
            await stall()

    async def main():
        together = []
        first = asyncio.create_task(one("first", together))
        async with recording(name="last"):
            await one("second", together)
            await first
            await stall()

    asyncio.run(main())
    assert sorted(named()) == ["first", "last", "second"]


@pytest.mark.real_stall
@pytest.mark.parametrize("runs", [lambda: asyncio.run(stall()), async_to_sync(stall)])
def test_concurrent_blocks_of_threads_have_their_own_names(runs):
    together = threading.Barrier(2)

    def job(name):
        with recording(name=name):
            together.wait(60)
            runs()

    threads = [threading.Thread(target=job, args=(name,)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(named()) == ["first", "second"]


@pytest.mark.real_stall
async def test_a_block_in_a_served_process_names_its_own_steps_alone(server):
    application = LoopWatch(get_asgi_application())
    await get(application, "/shop/7/")
    async with recording(name="bot"):
        await stall()
        await get(application, "/shop/7/")
        await asyncio.create_task(get(application, "/child/"))
    assert asyncio.get_running_loop() in site_monitor._monitor._subscribers
    await get(application, "/shop/7/")
    assert await asyncio.to_thread(site_monitor.flush)
    assert named() == ["shop/<int:pk>/", "bot", "shop/<int:pk>/", "child/", "shop/<int:pk>/"]


@pytest.mark.real_stall
async def test_a_block_in_a_thread_of_a_served_process_names_no_steps_of_other_loops(server):
    await get(LoopWatch(get_asgi_application()), "/quick/")
    entered, go_on = threading.Event(), threading.Event()

    def job():
        with recording(name="bot"):
            entered.set()
            go_on.wait(60)
            asyncio.run(stall())

    thread = asyncio.create_task(asyncio.to_thread(job))
    await asyncio.to_thread(entered.wait, 60)
    await asyncio.create_task(stall())
    await asyncio.to_thread(lambda: asyncio.run(stall()))
    go_on.set()
    await thread
    assert await asyncio.to_thread(site_monitor.flush)
    assert named() == [None, None, "bot"]
