"""A watched loop runs its callbacks, and reports what they raise, exactly as one that nobody watches."""

import asyncio
import contextvars
import functools
import socket
import sys
import traceback
from asyncio.events import Handle
from contextlib import nullcontext

import pytest

from loopwatch import watch
from loopwatch.detection.timing.handle_run import KNOWN_UNTIL

NUMBER = contextvars.ContextVar("NUMBER", default=0)
WATCHED_OR_NOT = pytest.mark.parametrize("watching", [nullcontext, watch], ids=["bare", "watched"])


async def have_run(callback, *args):
    """What the loop's exception handler is told when it has run a callback."""
    told = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))
    NUMBER.set(7)
    handle = loop.call_soon(callback, *args)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return handle, told


@WATCHED_OR_NOT
@pytest.mark.parametrize("args", [(), (1,), (1, "two", [3])])
async def test_a_callback_gets_its_arguments_in_its_context(watching, args):
    got = []
    with watching():
        await have_run(lambda *given: got.append((given, NUMBER.get())), *args)
    assert got == [(args, 7)]


def fails(*_):
    raise LookupError("no such thing")


@WATCHED_OR_NOT
@pytest.mark.parametrize("args", [(), (1,)])
async def test_what_a_callback_raises_is_reported_by_asyncio(watching, args):
    with watching():
        handle, (told,) = await have_run(fails, *args)
    assert told["message"].startswith("Exception in callback fails(")
    assert told["handle"] is handle
    assert isinstance(told["exception"], LookupError)
    assert told["exception"].__context__ is None
    last = traceback.extract_tb(told["exception"].__traceback__)[-1]
    assert last.name == "fails"


@WATCHED_OR_NOT
async def test_what_a_c_function_raises_is_reported_by_asyncio(watching):
    future = asyncio.get_running_loop().create_future()
    future.set_result(1)
    with watching():
        _, (told,) = await have_run(future.set_result, 2)
    assert isinstance(told["exception"], asyncio.InvalidStateError)


@WATCHED_OR_NOT
async def test_what_a_reader_raises_after_removing_itself_is_reported_by_asyncio(watching):
    told, loop = [], asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    ours, theirs = socket.socketpair()

    def reads():
        loop.remove_reader(ours)
        raise ConnectionError("gone")

    with ours, theirs, watching():
        loop.add_reader(ours, reads)
        theirs.close()
        while not told:
            await asyncio.sleep(0)
    assert [str(error) for error in told] == ["gone"]


async def test_the_users_traceback_does_not_show_loopwatch_at_work():
    with watch():
        _, (told,) = await have_run(fails)
    files = [frame.filename for frame in traceback.extract_tb(told["exception"].__traceback__)]
    assert not any(filename.endswith("stopwatch.py") for filename in files)


async def test_a_handle_keeps_its_context_when_its_callback_raises():
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    with watch():
        handle = loop.call_soon(fails, context=context)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert handle._context is context


@WATCHED_OR_NOT
@pytest.mark.parametrize("cancels", [False, True])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_loop_ends_it(watching, stop, cancels):
    async def main():
        def ends():
            if cancels:
                handle.cancel()
            raise stop

        handle = asyncio.get_running_loop().call_soon(ends)
        await asyncio.sleep(1)

    with watching(), pytest.raises(stop):
        asyncio.run(main())


async def test_a_method_that_somebody_has_wrapped_goes_on_being_called(monkeypatch):
    run, seen = Handle._run, []

    @functools.wraps(run)
    def wrapper(self):
        seen.append(self)
        run(self)

    monkeypatch.setattr(Handle, "_run", wrapper)
    with watch():
        handle, _ = await have_run(list)
    assert handle in seen


def test_the_stopwatch_runs_the_callback_itself_on_every_version_that_is_known():
    """Else this module tests nothing."""
    callers = []

    async def main():
        asyncio.get_running_loop().call_soon(lambda: callers.append(sys._getframe(1).f_code))
        await asyncio.sleep(0)

    with watch():
        asyncio.run(main())
        run = Handle._run
    assert (callers == [run.__code__]) is (sys.version_info[:2] <= KNOWN_UNTIL)
