"""A site whose process a call hangs permanently, keeping the GIL; and the same site after a new start.

``python -m tests.detection.lookout.held_site DATABASE FOLDER ACT``, where the act is one of those below.
"""

import asyncio
import itertools
import sys
import threading
import time

import django
from django.conf import settings
from django.core.management import call_command

DATABASE, FOLDER, ACT = sys.argv[1:]
settings.configure(
    INSTALLED_APPS=["loopwatch"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE}},
    USE_TZ=True,
    LOOPWATCH={
        "LOOKOUT": True,
        "LOOKOUT_FOLDER": FOLDER,
        "ONGOING_AFTER_S": 0.2,
        "SINKS": ["database"],
    },
)
django.setup()

import loopwatch  # noqa: E402
from loopwatch import site_monitor  # noqa: E402
from loopwatch.asgi import LoopWatch  # noqa: E402
from tests.support.asgi import get  # noqa: E402
from tests.support.waiting import until  # noqa: E402


def add_up(numbers):
    return sum(numbers)


async def hang():
    add_up(itertools.repeat(0))


async def hang_in_a_thread():
    """Hang while the loop rests: nothing happens for longer than the watchdog looks."""

    def work():
        time.sleep(1)
        add_up(itertools.repeat(0))

    thread = threading.Thread(target=work)
    thread.start()
    await asyncio.sleep(3600)


async def stall():
    time.sleep(0.06)


async def answer(scope, receive, send):
    await until(lambda: loopwatch.stats().lookout == "in use")
    await globals()[ACT]()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    asyncio.run(get(LoopWatch(answer), "/"))
    for _ in range(2):  # what has been left is found with the first write
        assert site_monitor.flush(60)
