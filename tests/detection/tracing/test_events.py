"""Which events the interpreter reports while a request is traced, and of which code."""

import asyncio
import sys

import pytest

from loopwatch import watch
from loopwatch.detection import monitor
from loopwatch.detection.calls import Request
from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight, current_request
from loopwatch.detection.tracing.traced_requests import RequestTracing

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="There is no sys.monitoring before Python 3.12")


def events_of_tools():
    """By the name of the tool: the events that it has reported of all code, and of ``raises``."""
    monitoring = sys.monitoring
    used = {tool: name for tool in range(6) if (name := monitoring.get_tool(tool)) and name.startswith("loopwatch")}
    return {
        name: (monitoring.get_events(tool), monitoring.get_local_events(tool, raises.__code__))
        for tool, name in used.items()
    }


def raises():
    raise KeyError


@pytest.fixture
async def while_traced():
    """The events while a request is traced that runs ``raises``, in a step after that."""

    async def serve():
        request = RequestInFlight(InFlight(), lambda: Request("http"))
        current_request.set(request)
        request.resume()
        assert monitor.trace_request(asyncio.get_running_loop(), RequestTracing(request), [raises])
        with pytest.raises(KeyError):
            raises()
        await asyncio.sleep(0)
        events = events_of_tools()
        request.finish()
        return events

    with watch(threshold_ms=60_000):
        return await asyncio.create_task(serve())


@pytest.mark.skipif(sys.version_info < (3, 15), reason="Exceptions are events of all code before Python 3.15")
async def test_a_traced_request_has_exceptions_reported_of_no_code_but_what_it_runs(while_traced):
    ((of_all_code, of_the_requests),) = while_traced.values()
    assert of_all_code == 0
    assert of_the_requests & sys.monitoring.events.PY_UNWIND
    assert of_the_requests & sys.monitoring.events.PY_THROW


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="Exceptions are events of single code since Python 3.15")
async def test_before_python_3_15_exceptions_are_reported_of_all_code(while_traced):
    events = sys.monitoring.events
    of_all_code, _ = while_traced["loopwatch timer"]
    assert of_all_code == events.PY_UNWIND | events.PY_THROW


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python 3.12 needs an event of all code to find what is called")
async def test_nothing_but_exceptions_is_reported_of_all_code(while_traced):
    events = sys.monitoring.events
    assert {of_all & ~(events.PY_UNWIND | events.PY_THROW) for of_all, _ in while_traced.values()} == {0}


async def test_a_tool_id_is_free_of_callbacks_and_events_when_the_request_is_over(while_traced):
    assert while_traced
    assert events_of_tools() == {}
    monitoring = sys.monitoring
    for tool in range(6):
        if monitoring.get_tool(tool) is not None:
            continue
        monitoring.use_tool_id(tool, "a tool after loopwatch")
        try:
            assert monitoring.get_events(tool) == 0
            assert monitoring.get_local_events(tool, raises.__code__) == 0
            assert monitoring.register_callback(tool, monitoring.events.CALL, None) is None
        finally:
            monitoring.free_tool_id(tool)
