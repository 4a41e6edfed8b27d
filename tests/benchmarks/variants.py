"""What is compared: nothing at all, loopwatch's engines, and other tools, each started as its documentation says.

``begin`` is called on the loop, in a coroutine, and what it starts stays for the life of the process. All tools get the
same threshold, which none of the work reaches.
"""

import importlib.util
import logging
import sys
import threading
import time
from asyncio.events import Handle
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from loopwatch.detection.cpython.known_versions import STACKS_READABLE

THRESHOLD_MS = 50


@dataclass(frozen=True, slots=True)
class Variant:
    """``around`` wraps an ASGI application. ``engine`` is that of ``LoopWatch``, where there is one; ``package`` must
    be installed. A floor is what others cannot be cheaper than. A part is loopwatch with something left out. Only the
    served pages have the ``middleware`` of a package that is a Django app."""

    name: str
    begin: Callable[[], object] = lambda: None
    around: Callable[[Any], Any] = lambda application: application
    package: str = ""
    engine: str = ""
    is_debug: bool = False
    is_floor: bool = False
    is_part: bool = False
    thread_waits: bool = True
    lookout: bool = False
    middleware: tuple[str, ...] = ()

    @property
    def is_available(self) -> bool:
        if self.lookout and (sys.platform != "linux" or sys.version_info[:2] not in STACKS_READABLE):
            return False
        return not self.package or importlib.util.find_spec(self.package) is not None

    @property
    def is_in_app(self) -> bool:
        return bool(self.engine)


def _watch(engine: str) -> Callable[[], object]:
    def begin() -> None:
        from loopwatch import watch

        watch(threshold_ms=THRESHOLD_MS, engine=engine).__enter__()

    return begin


def _event_loop_monitor() -> None:
    from asyncio_event_loop_monitor import event_loop_monitor_ctx

    kept.append(event_loop_monitor_ctx(threshold_ms=THRESHOLD_MS, on_blocking_call=lambda _: None))
    kept[-1].__enter__()


def _aiocop() -> None:
    import aiocop

    aiocop.patch_audit_functions()
    aiocop.start_blocking_io_detection()
    aiocop.detect_slow_tasks(threshold_ms=THRESHOLD_MS, on_slow_task=lambda _: None)
    aiocop.activate()


def _pyleak() -> None:
    from pyleak import no_event_loop_blocking

    kept.append(no_event_loop_blocking("log", logging.getLogger("pyleak"), threshold=THRESHOLD_MS / 1000))
    try:
        kept[-1].__aenter__().send(None)
    except StopIteration:  # it awaits nothing
        return
    raise AssertionError("pyleak awaits something")


def _empty_profile() -> None:
    sys.setprofile(lambda _frame, _event, _argument: None)


def _empty_wrapper() -> None:
    run: Any = Handle._run

    def _run(self: Handle) -> None:
        run(self)

    Handle._run = _run


def _wrapper_that_reads_the_clock() -> None:
    run: Any = Handle._run
    now = time.perf_counter

    def _run(self: Handle) -> None:
        started = now()
        run(self)
        if now() - started > 1e9:
            raise AssertionError

    Handle._run = _run


def _wrapper_that_sets_a_context_variable(application: Any) -> Any:
    variable: ContextVar[object] = ContextVar("variable")

    async def wrapper(scope: Any, receive: Any, send: Any) -> None:
        variable.set(scope)
        await application(scope, receive, send)

    return wrapper


def _waking_thread() -> None:
    def wake() -> None:
        nothing = threading.Lock()
        nothing.acquire()
        while True:
            nothing.acquire(timeout=0.2 * THRESHOLD_MS / 1000)

    threading.Thread(target=wake, daemon=True).start()


kept: list[Any] = []
"""What would end what it has started, when it is collected."""

BARE = Variant("bare asyncio")
SAMPLING = Variant("loopwatch, sampling", _watch("sampling"), engine="sampling")
TRACING = Variant("loopwatch, tracing", _watch("tracing"), engine="tracing")
AIOCOP = Variant("aiocop", _aiocop, package="aiocop")
SILK = Variant("django-silk", package="silk", middleware=("silk.middleware.SilkyMiddleware",))
VARIANTS = (
    BARE,
    SAMPLING,
    TRACING,
    AIOCOP,
    SILK,
    Variant("pyleak", _pyleak, package="pyleak"),
    Variant("asyncio-event-loop-monitor", _event_loop_monitor, package="asyncio_event_loop_monitor"),
    Variant("asyncio debug mode", is_debug=True),
    Variant("an empty sys.setprofile function", _empty_profile),
    Variant("part: watch() alone", _watch("sampling"), is_part=True),
    Variant("part: without thread waits", engine="sampling", is_part=True, thread_waits=False),
    Variant("part: with the lookout", engine="sampling", is_part=True, lookout=True),
    Variant("floor: an empty wrapper of Handle._run", _empty_wrapper, is_floor=True),
    Variant("floor: one that reads the clock twice", _wrapper_that_reads_the_clock, is_floor=True),
    Variant(
        "floor: an application around it that sets a context variable",
        around=_wrapper_that_sets_a_context_variable,
        is_floor=True,
    ),
    Variant("floor: a thread that wakes every 10 ms", _waking_thread, is_floor=True),
)
BY_NAME = {variant.name: variant for variant in VARIANTS}
