"""The panel of the real django-debug-toolbar shows what a request did to the loop that served it."""

import asyncio

import pytest
from django.core.asgi import get_asgi_application
from django.utils.html import escape

from loopwatch import site_monitor
from loopwatch.advice.match import advice_by_name
from loopwatch.asgi import LoopWatch
from loopwatch.request_tracing import on_demand
from loopwatch.request_tracing.trace_token import make_token
from loopwatch.thread_waits import listening
from tests.support.asgi import get

pytest.importorskip("debug_toolbar")

TOOLBAR = "debug_toolbar.middleware.DebugToolbarMiddleware"
pytestmark = pytest.mark.real_time


@pytest.fixture(autouse=True)
def site(settings):
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "debug_toolbar"]
    settings.DEBUG_TOOLBAR_PANELS = ["loopwatch.toolbar.LoopwatchPanel"]
    settings.DEBUG_TOOLBAR_CONFIG = {"SHOW_TOOLBAR_CALLBACK": "tests.toolbar.site.always"}
    settings.MIDDLEWARE = [TOOLBAR]
    settings.ROOT_URLCONF = "tests.toolbar.site"
    settings.ALLOWED_HOSTS = ["*"]
    settings.LOOPWATCH = {"SINKS": [], "THRESHOLD_MS": 50}
    yield
    assert site_monitor.stop(60)
    assert not listening._listeners


def newest_panel():
    """Return the panel of the latest request, as the toolbar's page loads it from its store."""
    from debug_toolbar.store import get_store
    from debug_toolbar.toolbar import StoredDebugToolbar

    toolbar = StoredDebugToolbar.from_store(list(get_store().request_ids())[-1])
    return toolbar.get_panel_by_id("LoopwatchPanel")


async def panel_of(path, *, shows="", wrapped=LoopWatch, headers=()):
    """Request a page until its panel shows a text, because a busy machine may be to blame for a stall instead."""
    application = wrapped(get_asgi_application())
    async with asyncio.timeout(60):
        while True:
            response = await get(application, path, headers=headers)
            assert response.status == 200
            panel = newest_panel()
            if shows in panel.content:
                return panel


async def test_a_stall_is_shown_with_its_source_its_stack_and_its_cure():
    panel = await panel_of("/sell/", shows="<code>time.sleep</code>")
    (call,) = [each for each in panel.get_stats()["calls"] if each["headline"] == "time.sleep"]
    assert call["function"] == "tests.toolbar.site.sell"
    assert call["source"] == "time.sleep(0.1)"
    assert "tests.toolbar.site.sell" in call["stack"]
    assert 100 * 0.99 <= call["duration_ms"] <= panel.get_stats()["figures"]["loop_ms"]
    assert escape(advice_by_name("time.sleep").cure) in panel.content
    assert panel.nav_subtitle.endswith("1 stall")


async def test_a_stall_whose_call_is_not_named_in_time_is_not_denied(monkeypatch):
    monkeypatch.setattr(on_demand, "SETTLE_TIMEOUT_S", 0.0)
    panel = await panel_of("/sell/", shows="were not named in time")
    assert panel.get_stats()["figures"]["blocked_ms"] >= 100 * 0.99


async def test_a_request_without_a_stall_says_so():
    panel = await panel_of("/rest/", shows="No step of this request lasted")
    assert "No call of this request waited" in panel.content


async def test_a_wait_for_a_thread_is_shown_with_what_held_it():
    panel = await panel_of("/deliver/", shows="tests.toolbar.site.pack")
    (wait,) = panel.get_stats()["waits"]
    assert wait["waited_ms"] >= 200 * 0.99


async def test_where_a_middleware_is_synchronous_the_panel_says_that_a_thread_answers(settings):
    settings.MIDDLEWARE = [TOOLBAR, "tests.toolbar.site.sync_middleware"]
    panel = await panel_of("/rest/")
    assert "This request ran in a thread" in panel.content
    assert panel.nav_subtitle == ""


async def test_without_the_wrapper_the_panel_says_what_to_do():
    panel = await panel_of("/sell/", wrapped=lambda application: application)
    assert "Wrap the ASGI application in LoopWatch" in panel.content


async def test_a_request_with_a_token_is_traced_for_its_header():
    panel = await panel_of("/sell/", headers=[(b"x-loopwatch-trace", make_token(60, 5).encode())])
    assert "traced already" in panel.content
