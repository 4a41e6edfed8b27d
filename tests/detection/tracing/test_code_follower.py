"""The code that a call or a step is about to run is found without running it."""

import asyncio
from functools import partial

import pytest

from loopwatch.detection.tracing.code_follower import CodeFollower


class FoundCode:
    """Takes the place of ``TimedCode``, and notes which code is found."""

    def __init__(self):
        self.names = []

    def time_if_unknown(self, code):
        self.names.append(code.co_qualname)


def function():
    raise AssertionError("The code was run")


class Service:
    def __new__(cls):
        raise AssertionError("The class was called")

    def __init__(self):
        raise AssertionError("The class was called")

    def __call__(self):
        raise AssertionError("The object was called")

    def method(self):
        raise AssertionError("The method was called")

    @staticmethod
    def static():
        raise AssertionError("The method was called")


SERVICE = object.__new__(Service)

CALLS = [
    pytest.param(function, ["function"], id="a function"),
    pytest.param(partial(partial(function), 1), ["function"], id="a partial"),
    pytest.param(SERVICE.method, ["Service.method"], id="a method"),
    pytest.param(Service.static, ["Service.static"], id="a static method"),
    pytest.param(Service, ["Service.__new__", "Service.__init__"], id="a class"),
    pytest.param(SERVICE, ["Service.__call__"], id="an object"),
    pytest.param(len, [], id="a function written in C"),
]


@pytest.fixture
def found():
    return FoundCode()


@pytest.mark.parametrize(("called", "names"), CALLS)
def test_the_code_of_a_call_is_found(called, names, found):
    CodeFollower(found).follow(called)
    assert found.names == names


async def test_the_code_of_a_task_is_found_down_to_what_it_awaits(found):
    async def inner():
        await asyncio.Event().wait()

    async def outer():
        await inner()

    task = asyncio.ensure_future(outer())
    await asyncio.sleep(0)

    class Handle:
        _callback = task.get_name  # bound to the task, as the callback of a task's handle is

    CodeFollower(found).follow_step(Handle())
    task.cancel()
    assert [name.rpartition(".")[2] for name in found.names] == ["outer", "inner", "wait"]


def test_the_code_of_a_callback_is_found(found):
    handle = asyncio.Handle(function, (), asyncio.new_event_loop())
    CodeFollower(found).follow_step(handle)
    handle._loop.close()
    assert found.names == ["function"]


def test_a_callback_is_asked_for_no_attribute(found):
    class Remote:
        """A proxy that asks its server for every attribute, on the loop's thread."""

        def __getattribute__(self, name):
            raise SystemExit(name)

    class Handle:
        _callback = Remote()

    CodeFollower(found).follow_step(Handle())
    assert not found.names
