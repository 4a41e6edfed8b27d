"""SIGTERM ends a program, and its block reports first."""

import asyncio
import signal
import threading

import pytest

from loopwatch import recording, site_monitor
from tests.programs.bot import leftovers
from tests.support.waiting import until, wait_until


@pytest.fixture
def sigterm():
    """Let this process handle SIGTERM by default."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def test_the_default_of_sigterm_is_back_after_the_block(sigterm):
    with recording(name="bot"):
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        with recording(name="inner"):
            pass
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_sigterm_is_handled_until_the_last_of_overlapping_blocks_has_ended(sigterm):
    async def main():
        entered, ended = asyncio.Event(), asyncio.Event()

        async def first():
            async with recording(name="first"):
                await entered.wait()
            ended.set()

        async def second():
            async with recording(name="second"):
                entered.set()
                await ended.wait()
                assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL

        await asyncio.gather(first(), second())

    asyncio.run(main())
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_the_default_of_sigterm_is_back_after_a_block_that_is_cancelled_while_it_writes(sigterm, monkeypatch):
    leave, begun, go_on = site_monitor.leave, threading.Event(), threading.Event()

    def leave_late(program):
        begun.set()
        go_on.wait(60)
        leave(program)

    async def block():
        async with recording(name="bot"):
            pass

    async def main():
        task = asyncio.create_task(block())
        await until(begun.is_set)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    monkeypatch.setattr(site_monitor, "leave", leave_late)
    try:
        assert asyncio.run(main())
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        go_on.set()
        wait_until(lambda: leftovers()[0] == [])


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.default_int_handler])
def test_a_program_that_handles_sigterm_keeps_its_handler(sigterm, handler):
    with recording(name="bot"):
        signal.signal(signal.SIGTERM, handler)
    with recording(name="bot"):
        assert signal.getsignal(signal.SIGTERM) is handler
    assert signal.getsignal(signal.SIGTERM) is handler
