"""A process that cannot be watched serves; one that ends writes what is pending."""

import sys
import threading

import pytest
from django.core.asgi import get_asgi_application

from loopwatch.asgi import LoopWatch
from tests.support.asgi import get
from tests.support.children import run

pytestmark = pytest.mark.real_time


async def test_a_site_without_loopwatch_in_installed_apps_is_served_and_the_log_says_so(settings, caplog):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "loopwatch"]
    assert (await get(LoopWatch(get_asgi_application()), "/quick/")).status == 200
    assert "INSTALLED_APPS" in caplog.text


async def test_a_monitor_that_cannot_start_does_not_stop_the_site(monkeypatch, caplog):
    monkeypatch.setattr(
        threading.Thread, "start", lambda _thread: (_ for _ in ()).throw(RuntimeError("no threads left"))
    )
    sent = []

    async def application(scope, receive, send):
        sent.append(scope["path"])

    await LoopWatch(application)({"type": "http", "path": "/served/"}, None, None)
    assert sent == ["/served/"]
    assert "no threads left" in caplog.text
    monkeypatch.undo()


AT_EXIT = """
import asyncio, os, time
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from django.conf import settings
settings.LOOPWATCH = {
    "SINKS": [], "FLUSH_INTERVAL_S": 60, "ON_BLOCKING_CALL": lambda call: print(call.method_name, flush=True)
}
import django
django.setup()
from loopwatch.asgi import LoopWatch

async def application(scope, receive, send):
    time.sleep(0.08)

asyncio.run(LoopWatch(application)({"type": "http", "path": "/"}, None, None))
"""


def test_pending_stalls_are_written_when_the_process_exits():
    done = run([sys.executable, "-c", AT_EXIT])
    assert (done.stdout.split(), done.returncode) == (["time.sleep"], 0), done.stderr
