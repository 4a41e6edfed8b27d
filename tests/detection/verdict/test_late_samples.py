"""What a sample says that came as the GIL was offered again, after an operator or the leaving of a block."""

import asyncio

import pytest

from loopwatch.detection.calls import Cause
from loopwatch.detection.cpython import bytecode, source
from loopwatch.detection.cpython.expressions import SpecialMethod
from loopwatch.detection.cpython.instructions import instructions_of
from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.verdict.attribution import paths_of
from tests.detection.builders import ENTRY, NO_COLLECTION, called, named, sample, site


class Span:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def settle(total, rate):
    with Span():
        _ = total**rate


def settle_and_log(total, rate, log):
    _ = total**rate
    log(total)


def numbers():
    yield 1


def settle_and_count(total, rate):
    _ = total**rate
    for _ in numbers():
        pass


async def settle_and_wait(total, rate):
    _ = total**rate
    await settle_later()


async def settle_later():
    pass


def place_of(function, is_wanted):
    """Where the first call stands that ``is_wanted`` says yes to."""
    code = function.__code__
    calls = ((each.offset, bytecode.call_at(code, each.offset)) for each in instructions_of(code))
    return next(offset for offset, call in calls if call is not None and is_wanted(call.function))


def leaving(callee):
    is_exit = lambda function: isinstance(function, SpecialMethod) and function.name == "__exit__"  # noqa: E731
    return Site(settle.__code__, place_of(settle, is_exit), "shop", callee)


def logging(callee):
    return Site(settle_and_log.__code__, place_of(settle_and_log, lambda _: True), "shop", callee)


def resumed(function, opcodes, callee=None):
    """A site where a function resumes what one of its calls has made."""
    at = next(each.offset for each in instructions_of(function.__code__) if each.name in opcodes)
    return Site(function.__code__, at, "shop", callee)


EXIT_BEGINS = site(Span.__exit__, ENTRY)


def seen(*stack, gil=GilWait.LONG, state=Cause.COMPUTING):
    (path,) = paths_of([sample(1.0, stack=stack, gil=gil)], [state], 0.0, 2.0, NO_COLLECTION)
    node = path.nodes[-1]
    span = source.span_at(node.site.code, node.site.offset)
    return named(path.nodes), source.text_of(node.site.code.co_filename, span)


@pytest.mark.parametrize(
    "callee",
    [None, called("Span().__exit__", is_resolved=False), called("", is_resolved=False)],
    ids=["known", "not known", "without a name"],
)
def test_an_operator_at_the_end_of_a_block_is_where_the_time_went(callee):
    assert seen(EXIT_BEGINS, leaving(callee)) == (["shop.settle?"], "total**rate")


@pytest.mark.parametrize("callee", [None, called("Span().__exit__", is_resolved=False)], ids=["known", "not known"])
def test_a_thread_does_not_wait_at_the_beginning_of_a_function(callee):
    names, _ = seen(EXIT_BEGINS, leaving(callee), gil=GilWait.NONE, state=Cause.WAITING)
    assert names == ["shop.settle?"]


def test_a_c_function_that_leaves_a_block_is_named_although_it_calls_python_code():
    names, _ = seen(site(settle, ENTRY), leaving(called("lib.Lock.__exit__")))
    assert names == ["shop.settle", "lib.Lock.__exit__"]


def test_an_operator_before_a_call_of_python_code_is_where_the_time_went():
    assert seen(logging(None)) == (["shop.settle_and_log"], "total**rate")


def test_an_operator_before_a_call_of_a_c_function_leaves_the_function_alone_certain():
    names, _ = seen(logging(called("lib.log", is_certain=False)))
    assert names == ["shop.settle_and_log?"]


def test_a_call_that_cannot_be_named_leaves_the_function_alone_and_not_certain():
    assert seen(logging(called("", is_resolved=False)))[0] == ["shop.settle_and_log?"]


@pytest.mark.parametrize(
    ("entered", "resumes", "function"),
    [
        pytest.param(numbers, resumed(settle_and_count, {"FOR_ITER"}), "settle_and_count", id="a generator"),
        pytest.param(settle_later, resumed(settle_and_wait, {"SEND"}), "settle_and_wait", id="a coroutine"),
        pytest.param(asyncio.sleep, resumed(settle_and_wait, {"SEND"}), "settle_and_wait", id="a coroutine of asyncio"),
    ],
)
def test_an_operator_before_the_beginning_of_what_a_call_made_is_where_the_time_went(entered, resumes, function):
    assert seen(site(entered, ENTRY), resumes) == ([f"shop.{function}?"], "total**rate")


def test_a_thread_does_not_wait_at_the_beginning_of_a_coroutine_of_asyncio():
    waits = resumed(settle_and_wait, {"SEND"})
    names = seen(site(asyncio.sleep, ENTRY), waits, gil=GilWait.NONE, state=Cause.WAITING)
    assert names == (["shop.settle_and_wait?"], "total**rate")


def test_an_operator_at_the_end_of_a_block_that_c_code_leaves_is_where_the_time_may_have_gone():
    names, text = seen(leaving(called("io.BytesIO.__exit__", is_certain=False)))
    assert (names, text) == (["shop.settle?"], "total**rate")
