"""A request that an eager task serves begins inside a step whose context is not the request's."""

import asyncio
import sys
from contextvars import Context, copy_context

import pytest

from loopwatch.detection.calls import Request
from loopwatch.detection.machine.clock import now
from loopwatch.detection.timing.in_flight import InFlight, ProgramInFlight, RequestInFlight, current_request
from tests.detection.builders import Step


def request_on(in_flight):
    return RequestInFlight(in_flight, lambda: Request("http"))


def handle_for(request):
    """The handle of a step in whose context this request was set."""
    context = copy_context()
    context.run(current_request.set, request)
    return Step(_context=context)


async def begin(request):
    request.begin()


def begin_elsewhere(request):
    """Begin a request in a context that the handle of the running step does not know."""
    asyncio.run(begin(request))


def test_a_request_that_began_in_a_step_without_one_is_its_own():
    in_flight, handle, started = InFlight(), Step(_context=Context()), now()
    begin_elsewhere(request := request_on(in_flight))
    assert in_flight.own(handle, started) is request
    assert in_flight.own(handle, now()) is None  # the next step


def test_the_request_before_on_the_same_connection_is_over():
    in_flight = InFlight()
    before = request_on(in_flight)
    before.finish()
    handle, started = handle_for(before), now()
    begin_elsewhere(request := request_on(in_flight))
    assert in_flight.own(handle, started) is request


def test_a_request_that_a_request_sends_to_its_own_process_does_not_take_its_step():
    in_flight = InFlight()
    handle, started = handle_for(outer := request_on(in_flight)), now()
    begin_elsewhere(request_on(in_flight))
    assert in_flight.own(handle, started) is outer


def test_a_request_that_began_in_the_step_of_a_program_is_served_there():
    in_flight = InFlight()
    handle, started = handle_for(ProgramInFlight("bot")), now()
    begin_elsewhere(request := request_on(in_flight))
    assert in_flight.own(handle, started) is request


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Tasks may be eager from Python 3.12 on")
async def test_an_eager_task_of_the_loop_has_its_request():
    async def serve(request):
        request.begin()
        await go_on.wait()

    def accept():
        started.append(now())
        tasks.append(asyncio.eager_task_factory(loop, serve(request)))
        owns.append(in_flight.own(handle, started[0]))

    loop, in_flight, go_on = asyncio.get_running_loop(), InFlight(), asyncio.Event()
    request, started, tasks, owns = request_on(in_flight), [], [], []
    handle = loop.call_soon(accept)
    await asyncio.sleep(0)
    go_on.set()
    await tasks[0]
    assert owns == [request]
