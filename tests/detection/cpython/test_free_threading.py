"""While the GIL is off, no stack is walked and no call traced; stalls are found all the same.

No free-threaded build is at hand. A child process says of itself that its GIL is off, before loopwatch is imported.
"""

import ast
import asyncio
import sys
from contextvars import copy_context

import pytest

from loopwatch.detection import monitor
from loopwatch.detection.calls import Request
from loopwatch.detection.cpython import free_threading
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.timing.in_flight import RequestInFlight, current_request
from tests.detection.builders import reading, reported, stall, wanted
from tests.support import children
from tests.support.waiting import wait_until

OFF = "sys._is_gil_enabled = lambda: False"
ON = "sys._is_gil_enabled = lambda: True"

PROGRAM = """
import asyncio, logging, sys, time
{gil}
logging.basicConfig(format="%(levelname)s %(message)s", stream=sys.stderr)
current_frames, walks = sys._current_frames, []
sys._current_frames = lambda: walks.append(1) or current_frames()

import loopwatch
from loopwatch.detection import monitor
from loopwatch.detection.calls import Request
from loopwatch.detection.timing.in_flight import RequestInFlight, current_request
from loopwatch.detection.tracing.traced_requests import RequestTracing
from loopwatch.detection.tracing.tracer import TracingUnavailableError

tracers = []

def tools():
    monitoring = getattr(sys, "monitoring", None)
    return sys.getprofile(), [monitoring.get_tool(tool) for tool in range(6)] if monitoring else []

async def waits():
    time.sleep(0.3)

async def computes():
    until = time.thread_time() + 0.3
    while time.thread_time() < until:
        pass

async def is_traced():
    loop = asyncio.get_running_loop()
    in_flight = monitor._monitor._hooks.watched[loop].in_flight
    request = RequestInFlight(in_flight, lambda: Request("http", "GET", "checkout"))
    current_request.set(request)
    request.resume()
    tracing = RequestTracing(request, 0.05)
    monitor.trace_request(loop, tracing)
    tracers.append(tools() != before)
    await asyncio.create_task(waits())
    request.finish()
    await asyncio.sleep(0)
    return tracing

async def looks():
    tracers.append(tools() != before)

async def main():
    for work in (waits, computes):
        await asyncio.create_task(work())
    tracing = await asyncio.create_task(is_traced())
    await asyncio.sleep(0)
    return tracing

before = tools()
with loopwatch.watch(threshold_ms=100) as watcher:
    tracing = asyncio.run(main())
try:
    with loopwatch.watch(engine="tracing"):
        asyncio.run(looks())
except TracingUnavailableError as error:
    tracers.append(str(error))

print({{
    "walks": bool(walks),
    "tracers": tracers,
    "calls": [(call.method_name, call.function, str(call.cause), call.exact) for call in watcher.calls],
    "stacks": [len(call.stack) for call in watcher.calls],
    "long enough": all(290 <= call.duration_ms <= call.step_ms for call in watcher.calls),
    "requests": [call.request and call.request.route for call in watcher.calls],
    "traced": [call.function for call in tracing.calls],
}})
"""


def run(folder, gil):
    program = folder / "program.py"
    program.write_text(PROGRAM.format(gil=gil), encoding="utf-8")
    done = children.run([sys.executable, program], check=True)
    return ast.literal_eval(done.stdout), done.stderr


@pytest.fixture(scope="module")
def without_gil(tmp_path_factory):
    """What a program does and logs, however its stalls are judged."""
    return run(tmp_path_factory.mktemp("off"), OFF)


def test_no_stack_is_walked(without_gil):
    said, _ = without_gil
    assert not said["walks"]


@pytest.mark.real_time
def test_each_stall_is_found_with_the_function_of_its_step_and_what_it_spent_its_time_on(tmp_path):
    said, _ = run(tmp_path, OFF)
    assert said["calls"] == [
        ("__main__.waits", "__main__.waits", "waiting", False),
        ("__main__.computes", "__main__.computes", "computing", False),
        ("__main__.waits", "__main__.waits", "waiting", False),
    ]
    assert said["stacks"] == [0, 0, 0]
    assert said["long enough"]


@pytest.mark.real_stall
def test_each_stall_is_found_with_its_request(tmp_path):
    said, _ = run(tmp_path, OFF)
    assert said["requests"] == [None, None, "checkout"]
    assert said["traced"] == ["__main__.waits"]


def test_a_request_to_be_traced_is_timed_only(without_gil):
    said, errors = without_gil
    assert said["tracers"][0] is False
    assert "Requests that were to be traced are only sampled. Tracing needs the GIL" in errors


def test_the_tracing_engine_is_refused_with_the_reason(without_gil):
    said, _ = without_gil
    assert "Tracing needs the GIL, which is off in this process" in said["tracers"][1]


def test_what_is_left_out_is_said_in_the_log_once(without_gil):
    _, errors = without_gil
    assert errors.count(f"WARNING {free_threading.LEFT_OUT}") == 1


@pytest.mark.real_stall
def test_with_the_gil_on_all_of_it_works(tmp_path):
    said, errors = run(tmp_path, ON)
    assert said["walks"]
    assert said["tracers"] == [True, True]
    assert said["calls"][0] == said["calls"][2] == ("time.sleep", "__main__.waits", "waiting", True)
    assert errors == ""


@pytest.fixture
def gil_is_off(monkeypatch):
    """From here on."""
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)


@pytest.mark.usefixtures("gil_is_off")
def test_a_late_look_says_nothing_of_a_gil_that_is_off():
    cpu = reading(1.0, 0.0, 2.0, 0.0)
    assert wanted(0.0).gil_wait(1.0, cpu, 0.0) is GilWait.NONE


@pytest.mark.usefixtures("gil_is_off")
def test_threads_that_ran_meanwhile_did_not_hold_up_a_step_of_which_nothing_was_seen():
    told = reported(of=stall(1.0, cpu=reading(1.0, 0.0, 2.0, 0.0)))
    assert not told.cause.is_machine


@pytest.mark.usefixtures("gil_is_off")
async def test_the_context_of_a_step_is_not_read_by_another_thread():
    calls = []

    class StallSubscriber:
        engine, threshold_s, ongoing_after_s, entered, counts_kept_out = "sampling", 0.05, 0.1, 0.0, False

        def receive(self, call):
            if call.function.endswith(".serve"):  # a busy machine makes other steps stalls too
                calls.append((call.ongoing, call.otel_span, call.request and call.request.route))

    (clock,) = monitor.start_watching(watching := StallSubscriber(), asyncio.get_running_loop())
    clock.find_otel_span = lambda context: "read"

    async def serve():
        wait_until(lambda: calls)

    context = copy_context()
    request = RequestInFlight(clock.in_flight, lambda: Request("http", "GET", "checkout"))
    context.run(current_request.set, request)
    await asyncio.create_task(serve(), context=context)
    monitor.stop_watching(watching, 60)
    *ongoing, finished = calls
    assert set(ongoing) == {(True, None, None)}
    assert finished == (False, None, "checkout")


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="Python says itself whether it has a GIL since 3.13")
def test_a_python_that_cannot_say_has_a_gil():
    assert free_threading.is_gil_enabled()


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python says itself whether it has a GIL since 3.13")
def test_python_itself_is_asked(monkeypatch):
    assert free_threading.is_gil_enabled() is sys._is_gil_enabled()
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False)
    assert not free_threading.is_gil_enabled()
