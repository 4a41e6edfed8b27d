"""What a suspended coroutine awaits is read from its bytecode."""

import sys
from types import SimpleNamespace

import pytest

from loopwatch.detection.cpython.awaits import awaited_at
from loopwatch.detection.cpython.bytecode import call_at

seen = []


async def get_response(request=None):
    frame = sys._getframe(1)
    seen.append((frame.f_code, frame.f_lasti))


class Middleware:
    def __init__(self):
        self.get_response = get_response

    async def __call__(self, request):
        return await self.get_response(request)


async def parameter(get_response):
    response = await get_response("request")
    return response, response


async def over_lines(get_response):
    return await get_response(
        request="request",
    )


async def imported(_):
    return await globals_of.get_response()


async def of_module(_):
    return await get_response()


async def stored(_):
    coroutine = get_response()
    return await coroutine


globals_of = SimpleNamespace(get_response=get_response)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        pytest.param(parameter, "get_response", id="a parameter"),
        pytest.param(over_lines, "get_response", id="a call over several lines"),
        pytest.param(Middleware(), "self.get_response", id="an attribute"),
        pytest.param(imported, "globals_of.get_response", id="an attribute of something else"),
        pytest.param(of_module, "get_response", id="a function of the module"),
    ],
)
def test_the_function_whose_coroutine_is_awaited_is(function, text):
    with pytest.raises(StopIteration):
        function(get_response).send(None)
    assert awaited_at(*seen[-1]).text == text


def test_a_coroutine_that_was_made_earlier_is_not_known():
    with pytest.raises(StopIteration):
        stored(None).send(None)
    assert awaited_at(*seen[-1]) is None


def test_a_call_is_no_await():
    code = parameter.__code__
    calls = [offset for offset in range(0, len(code.co_code), 2) if call_at(code, offset) is not None]
    assert calls
    assert [awaited_at(code, offset) for offset in calls] == [None] * len(calls)
