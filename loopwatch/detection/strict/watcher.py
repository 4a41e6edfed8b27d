"""``strict()``: reports the calls known to block that a block of code makes on the thread of a running loop."""

import asyncio
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.strict.allow_rules import Rule
from loopwatch.detection.strict.calls import StrictCall, strict_call
from loopwatch.detection.strict.catalogue import Known
from loopwatch.detection.strict.steps import StrictSteps
from loopwatch.detection.timing.watched_loops import LoopHooks
from loopwatch.detection.tracing.tracer import TracingUnavailableError

MAX_PLACES = 10_000
_UNAVAILABLE = "A profiler written in C ({}) is running on this thread, and strict mode needs its place: stop it"


@dataclass(slots=True)
class _KnownAt:
    known: Known
    sites: Sequence[Site]
    count: int = 0


class StrictWatcher:
    """A context manager. ``calls`` lists what was found so far, without what ``allow`` allows; it reads source files.

    Calls from 10,000 places are kept; ``calls_dropped`` counts the calls from other places.
    """

    def __init__(self, *, allow: Sequence[str] = (), every_thread: bool = False) -> None:
        if isinstance(allow, str):
            raise TypeError(f"allow takes a list of rules, not the string {allow!r}: write [{allow!r}]")
        self.every_thread = every_thread
        self.calls_dropped = 0
        self._rules = tuple(map(Rule.parse, allow))
        self._is_open = False
        self._thread_id: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._places: dict[object, _KnownAt] = {}
        self._steps: dict[asyncio.AbstractEventLoop, StrictSteps] = {}
        self._hooks = LoopHooks(self._adopt)

    def __enter__(self) -> Self:
        if self._is_open:
            raise RuntimeError("This strict() block is open already: call strict() again")
        current: Any = sys.getprofile()
        if current is not None and not callable(current):
            raise TracingUnavailableError(_UNAVAILABLE.format(type(current).__name__))
        running = asyncio._get_running_loop()  # noqa: SLF001 - documented, for those who must not raise
        self._loop = None if self.every_thread else running
        self._thread_id = None if self.every_thread else threading.get_ident()
        self._hooks.install(self._loop)
        self._is_open = True
        if running is not None and (steps := self._adopt(running)) is not None:
            steps.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_open = False
        for steps in list(self._steps.values()):
            steps.stop()
        self._hooks.uninstall()
        self._hooks.watched.clear()
        self._steps.clear()

    @property
    def calls(self) -> list[StrictCall]:
        found = [strict_call(place.known, place.sites, place.count) for place in list(self._places.values())]
        return [call for call in found if not self._is_allowed(call)]

    def take(self) -> list[StrictCall]:
        """Return what was found so far, and forget it."""
        calls = self.calls
        self._places.clear()
        return calls

    def _is_allowed(self, call: StrictCall) -> bool:
        return any(rule.matches((call.name, call.called_name), call.function, "") for rule in self._rules)

    def _adopt(self, loop: asyncio.AbstractEventLoop) -> StrictSteps | None:
        """Decide, for a loop that runs its first step, whether its steps are looked at."""
        if self._loop is not None and loop is not self._loop:
            return None
        if self._loop is None and self._thread_id not in (None, threading.get_ident()):
            return None
        steps = self._steps[loop] = StrictSteps(self._record)
        self._hooks.watched[loop] = steps
        return steps

    def _record(self, known: Known, sites: Sequence[Site]) -> None:
        """Keep the place of a call, and nothing else. On the loop's thread."""
        key = known.name, tuple((id(site.code), site.offset) for site in sites)
        place = self._places.get(key)
        if place is None and len(self._places) >= MAX_PLACES:
            self.calls_dropped += 1
            return
        if place is None:
            place = self._places[key] = _KnownAt(known, sites)
        place.count += 1


def strict(*, allow: Sequence[str] = (), every_thread: bool = False) -> StrictWatcher:
    """Report every call on the thread of a running loop that is known to block, however long it took. For tests.

    ``with strict(allow=["open in shop.conf.*"]) as watcher:`` may stand inside a coroutine, where it looks at the
    running loop, or around ``asyncio.run()``, where it looks at every loop of this thread; with ``every_thread=True``
    at those of all threads. ``watcher.calls`` is a list of ``StrictCall``. A rule is ``CALL [in FUNCTION]``, where
    ``*`` matches anything.

    It looks at every call that a step makes, which slows down code that makes many. Raises ``ValueError`` for a rule
    that cannot be read, and, on entering, ``RuntimeError`` for a block that is open already, and
    ``TracingUnavailableError`` if a profiler is running on this thread.
    """
    return StrictWatcher(allow=allow, every_thread=every_thread)
