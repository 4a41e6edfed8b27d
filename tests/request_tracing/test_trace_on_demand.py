"""A request with a valid token is traced and answered with figures; a request without one is answered as always."""

import asyncio
import logging
import re
import sys
import threading
import time
from asyncio.events import Handle

import pytest
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.testing import WebsocketCommunicator
from django.core import signing
from django.core.asgi import get_asgi_application
from django.urls import resolve

from loopwatch import site_monitor
from loopwatch.asgi import LoopWatch
from loopwatch.detection import monitor
from loopwatch.request_tracing.trace_token import make_token
from tests.support.asgi import get

pytestmark = pytest.mark.real_time

BARE_RUN = Handle._run
STALL_S = 0.06
METRIC = re.compile(r'([a-z]+);desc="((?:[^"\\]|\\.)*)";dur=([\d.]+)')

reports = []


@pytest.fixture(autouse=True)
def site(settings):
    """Set up a site whose threshold only a long stall reaches; check that its traces leave nothing behind."""
    reports.clear()
    settings.ROOT_URLCONF = "tests.site_urls"
    settings.ALLOWED_HOSTS = ["*"]
    settings.LOOPWATCH = {"THRESHOLD_MS": 1000, "SINKS": [], "ON_BLOCKING_CALL": reports.append}
    resolve("/")
    yield
    assert site_monitor.stop(60)
    assert Handle._run is BARE_RUN
    assert sys.getprofile() is None
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("loopwatch")]


@pytest.fixture
def logged(caplog):
    """Wait for that many lines about traces with a word in them; return all lines so far."""
    caplog.set_level(logging.INFO, "loopwatch.trace")

    async def lines(word, count=1):
        async with asyncio.timeout(60):
            while True:
                found = [record.getMessage() for record in caplog.records if record.name == "loopwatch.trace"]
                if len([line for line in found if word in line]) >= count:
                    return found
                await asyncio.sleep(0.01)

    return lines


async def headers_of(application, path, token=None):
    """Return the headers of the response."""
    headers = [] if token is None else [(b"x-loopwatch-trace", token.encode("latin-1"))]
    return (await get(application, path, headers=headers)).headers


def timing(headers):
    """Return the metrics of the response by name; there may be several calls."""
    (value,) = [value for name, value in headers if name == "server-timing"]
    found = {}
    for name, description, duration_ms in METRIC.findall(value):
        found.setdefault(name, []).append((description, float(duration_ms)))
    return found


async def traced(application, path="/", call="time.sleep"):
    """Repeat until a response names a call, because a busy machine may be to blame instead; return its metrics."""
    async with asyncio.timeout(60):
        while True:
            found = timing(await headers_of(application, path, make_token(60, 5)))
            if call in str(found.get("call")):
                return found


async def recorded():
    assert await asyncio.to_thread(site_monitor.flush)
    return list(reports)


def block():
    time.sleep(STALL_S)


def raw(work, headers=()):
    """Return an ASGI application that does ``work()`` and answers."""

    async def application(scope, receive, send):
        await work()
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await send({"type": "http.response.body", "body": b""})

    return LoopWatch(application)


async def stall():
    block()


async def test_the_response_says_where_the_time_went_and_which_call_took_it():
    found = await traced(LoopWatch(get_asgi_application()), "/shop/7/")
    (duration_ms,) = [
        ms for call, ms in found["call"] if re.fullmatch(r"time\.sleep \(tests/site_urls\.py:\d+\)", call)
    ]
    assert found["loop"][0][1] >= found["blocked"][0][1] >= duration_ms >= STALL_S * 1000 * 0.99
    assert set(found) == {"loop", "blocked", "waiting", "call"}


async def test_a_call_below_the_sites_threshold_is_in_the_response_and_not_recorded(logged):
    await traced(raw(stall))
    assert await recorded() == []
    summary, *lines = await logged("time.sleep took")
    (line, *_) = [line for line in lines if "time.sleep took" in line]
    assert "ms on the event loop" in summary
    assert f"{__name__}.block (tests/request_tracing/test_trace_on_demand.py:" in line


async def test_a_call_above_the_sites_threshold_is_recorded_once_with_exact_times(settings):
    settings.LOOPWATCH = {**settings.LOOPWATCH, "THRESHOLD_MS": 40}
    await headers_of(raw(stall), "/", make_token(60, 5))
    (call,) = await recorded()
    assert (call.method_name, call.engine) == ("time.sleep", "tracing")
    assert call.duration_ms >= STALL_S * 1000 * 0.99


async def test_equal_calls_are_added_up_and_the_heaviest_come_first():
    async def several():
        for _ in range(3):
            block()
            await asyncio.sleep(0)
        time.sleep(0.02)
        await asyncio.sleep(0)

    calls = (await traced(raw(several), call="3 x time.sleep"))["call"]
    calls = [call for call in calls if "time.sleep" in call[0]]
    assert [description.partition(" (")[0] for description, _ in calls] == ["3 x time.sleep", "time.sleep"]
    assert calls[0][1] >= 3 * STALL_S * 1000 * 0.99


async def test_child_tasks_are_part_of_the_request():
    async def child():
        await asyncio.gather(stall(), stall())

    await traced(raw(child), call="2 x time.sleep")


async def test_stalls_of_other_requests_count_as_waiting_and_are_not_traced(settings):
    settings.LOOPWATCH = {**settings.LOOPWATCH, "THRESHOLD_MS": 40}
    gate = asyncio.Event()

    async def wait():
        gate.set()
        await asyncio.sleep(0.01)

    async def other():
        await gate.wait()
        block()

    asked = asyncio.create_task(headers_of(raw(wait), "/", make_token(60, 5)))
    await headers_of(raw(other), "/")
    found = timing(await asked)
    assert found["waiting"][0][1] >= STALL_S * 1000 * 0.99
    (call,) = await recorded()
    assert (call.function, call.engine) == (f"{__name__}.block", "sampling")


def forged():
    """Return invalid tokens."""
    good = make_token(60, 5)
    signature = good.rpartition(":")[2]
    return {
        "nothing": "",
        "a word": "yes",
        "a colon": ":",
        "many colons": ":" * 100,
        "expired": make_token(-1, 5),
        "a longer life": f"{signing.b64_encode(b'[99999999999,5.0]').decode()}:{signature}",
        "cut": good[:-1],
        "longer": good + "A",
        "huge": good + "A" * 10_000,
        "huge, though signed": signing.Signer(salt="loopwatch.trace").sign_object("A" * 1000),
        "not ASCII": "é" + good[1:],
        "another purpose": signing.Signer(salt="other").sign_object([99_999_999_999, 5.0]),
        "another key": signing.Signer(key="other", salt="loopwatch.trace").sign_object([99_999_999_999, 5.0]),
    }


@pytest.mark.parametrize("kind", forged())
async def test_a_request_without_a_valid_token_is_answered_as_without_loopwatch(kind, caplog, monkeypatch):
    traced = []
    monkeypatch.setattr(monitor, "trace_request", lambda *given: traced.append(given))
    application = LoopWatch(get_asgi_application())
    assert await headers_of(application, "/shop/7/", forged()[kind]) == await headers_of(application, "/shop/7/")
    assert traced == []
    assert await recorded() == []
    assert caplog.records == []


async def test_a_token_signed_with_a_fallback_key_is_valid(settings):
    token = make_token(60, 5)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new"
    assert "call" in timing(await headers_of(raw(stall), "/", token))


async def test_server_timing_of_the_application_is_kept_before_that_of_loopwatch():
    own = [(b"Server-Timing", b"db;dur=5"), (b"x-other", b"1")]
    headers = await headers_of(raw(stall, own), "/", make_token(60, 5))
    (value,) = [value for name, value in headers if name == "server-timing"]
    assert value.startswith("db;dur=5, loop;")
    assert ("x-other", "1") in headers


async def test_no_cache_may_store_a_response_with_figures():
    own = [(b"Cache-Control", b"public, max-age=60"), (b"CDN-Cache-Control", b"max-age=60")]
    headers = await headers_of(raw(stall, own), "/", make_token(60, 5))
    assert [header for header in headers if "cache" in header[0]] == [("cache-control", "no-store")]


async def test_a_response_without_figures_keeps_its_cache_headers():
    own = [(b"cache-control", b"public, max-age=60"), (b"cdn-cache-control", b"max-age=60")]
    assert len(await headers_of(raw(stall, own), "/")) == len(own)


async def test_names_of_functions_cannot_forge_a_metric_of_the_header():
    namespace = {"time": time, "__name__": 'sh"op\r\nSet-Cookie: x\\é'}
    exec(compile("def stall():\n    time.sleep(0.06)", 'fi"le\r\nX: 1\\.py', "exec"), namespace)

    async def hostile():
        namespace["stall"]()

    await traced(raw(hostile))
    headers = await headers_of(raw(hostile), "/", make_token(60, 5))
    (value,) = [value for name, value in headers if name == "server-timing"]
    assert value.isascii()
    assert value.isprintable()
    assert re.search(r'time\.sleep \(fi\\"le\?\?X: 1\\\\\.py:2\)|no call, the process was', value)
    assert set(METRIC.sub("", value)) == set(", ")


async def test_a_call_that_redact_withholds_is_not_in_the_response(settings, logged):
    settings.LOOPWATCH = {**settings.LOOPWATCH, "REDACT": lambda call: None}
    found = timing(await headers_of(LoopWatch(get_asgi_application()), "/shop/7/", make_token(60, 5)))
    assert "sleep" not in str(found)
    assert "shop" not in "".join(await logged("ms on the event loop"))


@pytest.mark.parametrize("raised", [ValueError, SystemExit])
async def test_a_call_for_which_redact_raises_is_not_in_the_response(raised, settings, caplog):
    def redact(call):
        raise raised("password")

    settings.LOOPWATCH = {**settings.LOOPWATCH, "REDACT": redact}
    assert "sleep" not in str(timing(await headers_of(raw(stall), "/", make_token(60, 5))))
    assert "password" not in caplog.text


async def test_an_application_that_raises_still_raises_while_its_request_is_traced():
    async def fail():
        block()
        raise RuntimeError("of the site")

    scope = {"type": "http", "path": "/", "headers": [(b"x-loopwatch-trace", make_token(60, 5).encode())]}
    with pytest.raises(RuntimeError, match="of the site"):
        await raw(fail)(scope, None, None)


async def test_calls_that_cannot_be_named_in_time_are_in_the_log_only(settings, monkeypatch, logged):
    is_asked, may_answer = threading.Event(), threading.Event()

    def redact(call):
        is_asked.set()
        assert may_answer.wait(60)
        return call

    monkeypatch.setattr("loopwatch.request_tracing.on_demand.SETTLE_TIMEOUT_S", 0.05)
    settings.LOOPWATCH = {**settings.LOOPWATCH, "REDACT": redact}
    found = timing(await headers_of(raw(stall), "/", make_token(60, 5)))
    assert is_asked.is_set()
    assert set(found) == {"loop", "blocked", "waiting"}
    may_answer.set()
    await logged("ms on the event loop")


async def test_a_failure_of_tracing_is_counted_and_the_request_is_served(monkeypatch, caplog):
    def fail(*_given):
        raise RuntimeError("of loopwatch")

    monkeypatch.setattr(monitor, "trace_request", fail)
    assert await headers_of(raw(stall, [(b"x-other", b"1")]), "/", make_token(60, 5)) == [("x-other", "1")]
    assert site_monitor.stats().errors == {"tracing": 1}
    assert "could not be traced" in caplog.text


class Chat(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        block()
        await self.send(text_data=text_data)


async def test_a_websocket_opened_with_a_token_is_traced_until_it_closes(logged):
    headers = [(b"x-loopwatch-trace", make_token(60, 5).encode())]
    socket = WebsocketCommunicator(LoopWatch(Chat.as_asgi()), "/ws/", headers=headers)
    assert (await socket.connect(30))[0]
    for _ in range(2):
        await socket.send_to(text_data="hello")
        assert await socket.receive_from(30) == "hello"
    await socket.disconnect(timeout=30)
    lines = await logged(f"Traced WebSocket {__name__}.Chat: ", count=3)
    assert re.search("time.sleep took|no call is to blame", lines[1])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="There are no tool ids before Python 3.12")
async def test_a_request_is_sampled_without_free_tool_ids_and_the_log_says_so_once(caplog):
    taken = [tool for tool in range(6) if sys.monitoring.get_tool(tool) is None]
    for tool in taken:
        sys.monitoring.use_tool_id(tool, "somebody")
    try:
        for _ in range(2):
            await traced(raw(stall))
    finally:
        for tool in taken:
            sys.monitoring.free_tool_id(tool)
    (record,) = [record for record in caplog.records if "only sampled" in record.message]
    assert "somebody" in record.message


@pytest.mark.parametrize(("rate", "engine"), [(1, "tracing"), (0, "sampling")])
async def test_a_randomly_traced_request_is_recorded_exactly_and_its_response_is_unchanged(settings, rate, engine):
    settings.LOOPWATCH = {**settings.LOOPWATCH, "THRESHOLD_MS": 40, "TRACE_RATE": rate}
    assert await headers_of(raw(stall), "/") == []
    (call,) = await recorded()
    assert (call.method_name, call.engine) == ("time.sleep", engine)


async def test_trace_rate_selects_about_that_share_of_the_requests(settings):
    settings.LOOPWATCH = {**settings.LOOPWATCH, "TRACE_RATE": 0.3}
    await headers_of(raw(stall), "/")
    assert 2700 < sum(site_monitor.is_request_sampled() for _ in range(10_000)) < 3300


async def test_many_concurrent_traces_some_of_them_cancelled_are_answered_and_leave_nothing_behind():
    async def pass_the_time():
        for _ in range(10):
            await asyncio.sleep(0.001)

    application = raw(pass_the_time)
    loop = asyncio.get_running_loop()

    async def one(number):
        token = make_token(60, 5) if number % 3 == 0 else None
        task = asyncio.create_task(headers_of(application, "/", token))
        if number % 5 == 0:
            await asyncio.sleep(0.002)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        else:
            assert ("server-timing" in dict(await task)) == (token is not None)

    await asyncio.gather(*map(one, range(120)))
    clock = monitor._monitor._hooks.watched[loop]
    async with asyncio.timeout(60):
        while clock.listener is not None:
            await asyncio.sleep(0.01)
    assert clock.tracer is None
    assert site_monitor.stats().errors == {}
