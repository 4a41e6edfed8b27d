"""How soon a stall is on its way to the live page: ``python -m tests.benchmarks.live [--redis]``.

A real Daphne, a WebSocket, and a stall after the other on the same process, with ``--redis`` on another one. What is
measured is the time from the end of the answer to the stalled request until its line arrives.
"""

import argparse
import asyncio
import json
import os
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import django

from tests.support.redis import serve_redis

STALL_MS = 100
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.browser.settings")


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.live", description=__doc__.partition("\n")[0])
    parser.add_argument("--redis", action="store_true", help="stalls in another process, through a Redis")
    parser.add_argument("--stalls", type=int, default=100)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["SITE_DATABASE"] = str(folder / "site.sqlite3")
        if options.redis:
            os.environ["SITE_REDIS_PORT"] = str(stack.enter_context(serve_redis(shutil.which("redis-server"), folder)))
        session_key = prepare()
        shown = stack.enter_context(served(folder))
        stalled = stack.enter_context(served(folder)) if options.redis else shown
        taken_s = asyncio.run(measure(shown, stalled, session_key, options.stalls))
    where = "in another process, through Redis" if options.redis else "in the same process"
    worst_ms, median_ms = 1000 * max(taken_s), 1000 * median(taken_s)
    print(f"{len(taken_s)} stalls {where}: told after {median_ms:.0f} ms (median), {worst_ms:.0f} ms (longest)")


def prepare():
    """A database with somebody who may look; returns their session."""
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    return client.cookies["sessionid"].value


@contextmanager
def served(folder):
    from tests.browser.site import AdminSite

    with AdminSite(folder, os.environ["SITE_DATABASE"]) as site:
        site.serve()
        yield site


async def measure(shown, stalled, session_key, stalls):
    from websockets.asyncio.client import connect

    url = shown.address.replace("http:", "ws:") + "/loopwatch/live/"
    headers = {"Cookie": f"sessionid={session_key}"}
    taken_s = []
    async with connect(url, origin=shown.address, additional_headers=headers, proxy=None) as page:
        for _ in range(stalls):
            arriving = asyncio.create_task(arrival(page))
            await asyncio.to_thread(stalled.get, f"/stall/{STALL_MS}/")
            answered = time.monotonic()
            taken_s.append(await arriving - answered)
    return taken_s


async def arrival(page):
    """When the line arrived."""
    async with asyncio.timeout(60):
        while True:
            message = json.loads(await page.recv())
            if any("stall/" in line["request"] for line in message["lines"]):
                return time.monotonic()


if __name__ == "__main__":
    main()
