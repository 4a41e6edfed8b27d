"""Where nothing can be watched, that is said once, and the program runs as it would without loopwatch."""

import os
import sys
import threading

import pytest

from loopwatch.detection.cpython.frames import Stack, stack_of
from loopwatch.detection.machine.surroundings import why_not_watched
from tests.support.children import run

STANDS_STILL = "from loopwatch.detection.machine import surroundings; surroundings.now = lambda: 1.0"
GREEN_THREADS = """
import threading, types
green = types.ModuleType("gevent.thread")
green.native = threading.get_ident
exec("def get_ident(): return native()", green.__dict__)
threading.get_ident = green.get_ident
"""
PROGRAM = """
import asyncio, logging, time
from loopwatch import watch

async def main():
    for _ in range(2):
        with watch(threshold_ms=5) as watcher:
            time.sleep(0.02)
            await asyncio.sleep(0)
        print(len(watcher.calls), len(watcher.disturbances))

logging.basicConfig(format="%(message)s")
asyncio.run(main())
"""
SITE = """
import asyncio, logging, time
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["loopwatch"], LOOPWATCH={"THRESHOLD_MS": 5, "SINKS": []})
django.setup()
import loopwatch
from loopwatch.asgi import LoopWatch

async def site(scope, receive, send):
    time.sleep(0.02)
    print("served")

async def main():
    for _ in range(2):
        await asyncio.create_task(LoopWatch(site)({"type": "http", "method": "GET", "path": "/"}, None, None))
    print(loopwatch.stats().seen, loopwatch.stats().loops)

logging.basicConfig(format="%(message)s")
asyncio.run(main())
"""


def said_of(*parts):
    """Run a program without coverage.py, which would need room as well."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    child = run([sys.executable, "-c", "\n".join(parts)], check=True, env=env)
    return child.stdout.split("\n")[:-1], child.stderr.split("\n")[:-1]


def test_here_is_nothing_in_the_way():
    assert why_not_watched() == ""


@pytest.mark.parametrize(
    ("replaced", "reason"),
    [
        pytest.param(GREEN_THREADS, "gevent has replaced Python's threads by its own", id="green threads"),
        pytest.param(STANDS_STILL, "time.perf_counter stands still", id="a clock that stands still"),
    ],
)
def test_a_program_is_told_once_why_nothing_is_watched(replaced, reason):
    assert said_of(replaced, PROGRAM) == (["0 0"] * 2, [f"watch() watches nothing, because {reason}"])
    assert said_of(replaced, SITE) == (
        ["served", "served", "0 0"],
        [f"This process runs without loopwatch, because {reason}."],
    )


def test_a_thread_that_is_gone_has_no_stack():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    assert stack_of(thread.ident, "") == Stack([], [], [])


NO_ROOM = """
import resource
def leave_no_room():
    pages = int(open("/proc/self/statm").read().split()[0])
    size = pages * resource.getpagesize() + 4_000_000  # less than the stack of a thread
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))
def leave_room():
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""
LOGGED = 'logging.basicConfig(format="%(message)s")'
LOOPS_OF_EVERY_THREAD = """
import asyncio, logging, time
from loopwatch import watch

async def main():
    leave_no_room()
    for _ in range(2):
        time.sleep(0.02)
        await asyncio.sleep(0)
    print("served")

logging.basicConfig(format="%(message)s")
with watch(threshold_ms=5, every_thread=True) as watcher:
    leave_no_room()
    asyncio.run(main())
print(len(watcher.calls), len(watcher.disturbances))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Others limit no address space")
def test_a_site_that_has_no_room_for_another_thread_is_served():
    served = SITE.replace("async def main():\n", "async def main():\n    leave_no_room()\n")
    out, (complaint,) = said_of(NO_ROOM, served)
    assert out == ["served", "served", "0 0"]
    # Without room for the stack there is no thread; without room for what prepares it, no memory.
    reasons = ('RuntimeError("can\'t start new thread")', "MemoryError()")
    starts = "This process runs without loopwatch, because loopwatch could not start: "
    assert complaint in [f"{starts}{reason}." for reason in reasons]


@pytest.mark.skipif(sys.platform != "linux", reason="Others limit no address space")
def test_loops_that_there_is_no_room_to_watch_run_on():
    out, (complaint,) = said_of(NO_ROOM, LOOPS_OF_EVERY_THREAD)
    assert out == ["served", "0 0"]
    assert " is not watched: " in complaint


CALLED_BACK = """
async def main():
    with watch(threshold_ms=5, on_blocking_call=lambda call: print("called")):
        leave_no_room()
        time.sleep(0.02)
    print("left")

asyncio.run(main())
"""


@pytest.mark.real_stall
@pytest.mark.skipif(sys.platform != "linux", reason="Others limit no address space")
def test_a_callback_without_room_for_its_thread_is_called_by_the_end_of_the_block():
    program = PROGRAM.partition("async def main")[0]
    assert said_of(NO_ROOM, program, LOGGED, CALLED_BACK) == (["called", "left"], [])


SHORT_OF_ROOM = """
async def site(scope, receive, send):
    time.sleep(0.02)

async def main():
    async def serve():
        await asyncio.create_task(LoopWatch(site)({"type": "http", "method": "GET", "path": "/"}, None, None))

    leave_no_room()
    await serve()
    leave_room()
    while not called:  # a busy machine may have kept the loop from its CPU instead
        await serve()
        await asyncio.to_thread(site_monitor.flush)

asyncio.run(main())
"""
AT_EXIT = """
import atexit, threading
called = []
def show_threads():
    print([thread.name for thread in threading.enumerate() if thread.name.startswith("loopwatch")])
atexit.register(show_threads)  # before loopwatch does, so that it runs after it
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Others limit no address space")
def test_a_site_that_has_room_for_threads_later_reaches_its_callback_and_ends_its_threads():
    settings = SITE.partition("async def site")[0].replace('"SINKS": []', '"SINKS": [], "ON_BLOCKING_CALL": note')
    note = "def note(call): called.append(call)\nfrom loopwatch import site_monitor"
    out, complaints = said_of(NO_ROOM, AT_EXIT, note, settings, LOGGED, SHORT_OF_ROOM)
    assert out == ["[]"]
    assert len(complaints) == 1
