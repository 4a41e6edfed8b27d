"""``watch()``: reports the stalls of a block of code."""

import asyncio
import functools
import os
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from loopwatch.detection import monitor
from loopwatch.detection.callback_thread import CallbackThread, is_coroutine_function
from loopwatch.detection.calls import ENGINES, BlockingCall
from loopwatch.detection.cpython.sites import register_monitor
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.machine.clock import NEVER
from loopwatch.detection.machine.surroundings import why_not_watched
from loopwatch.detection.path_filter import PathFilter

logger = logger_of()
register_monitor(__name__)

MAX_CALLS = 10_000
SETTLE_TIMEOUT_S = 10.0


class Watcher:
    """A context manager that reports the stalls of the running loop, or of every loop that this thread will run.

    ``calls`` holds the reports so far (the first 10,000; ``calls_dropped`` counts the others). ``disturbances`` holds
    the stalls that the machine caused, and no call. ``callbacks_dropped`` counts the reports that found 10,000 others
    waiting for the callback.
    """

    def __init__(
        self,
        *,
        threshold_ms: float = 50.0,
        include_paths: Sequence[str | os.PathLike[str]] | None = None,
        exclude_paths: Sequence[str | os.PathLike[str]] | None = None,
        on_blocking_call: Callable[[BlockingCall], object] | None = None,
        engine: str = "sampling",
        every_thread: bool = False,
        lookout: bool = False,
        enabled: bool = True,
    ) -> None:
        if engine not in ENGINES:
            raise ValueError(f"Unknown engine {engine!r}: loopwatch has {', '.join(ENGINES)}")
        if isinstance(threshold_ms, bool) or not isinstance(threshold_ms, int | float):
            raise TypeError(f"threshold_ms must be a number of milliseconds, not {threshold_ms!r}")
        if not threshold_ms >= 0:
            raise ValueError(f"threshold_ms must be 0 or more milliseconds, not {threshold_ms!r}")
        if on_blocking_call is not None and not callable(on_blocking_call):
            raise TypeError(f"on_blocking_call must be a function that takes a BlockingCall, not {on_blocking_call!r}")
        if is_coroutine_function(on_blocking_call):
            raise TypeError(
                f"on_blocking_call must be a plain function, as its result is not awaited: {on_blocking_call!r}"
            )
        self.engine = engine
        self.threshold_s = threshold_ms / 1000 if threshold_ms <= sys.float_info.max else NEVER
        self.ongoing_after_s = NEVER
        self.counts_kept_out = False
        self._filter = PathFilter(
            _substrings("include_paths", include_paths), _substrings("exclude_paths", exclude_paths)
        )
        self.every_thread = every_thread
        self.lookout = lookout
        self.enabled = enabled
        self.calls: list[BlockingCall] = []
        self.calls_dropped = self.callbacks_dropped = 0
        self.disturbances: list[BlockingCall] = []
        self.entered = 0.0
        self._callback = on_blocking_call
        self._callback_thread: CallbackThread | None = None
        self._is_open = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Begin to watch, as the block does where it is entered. Raises ``RuntimeError`` if it watches already."""
        if self._is_open:
            raise RuntimeError("This watch() block is open already: stop() it first, or call watch() again")
        if self.enabled and (reason := why_not_watched()):
            self.enabled = False
            _log_why(reason)
        if self.enabled:
            self._callback_thread = CallbackThread(self._callback) if self._callback is not None else None
            loop = None if self.every_thread else _running_loop()
            monitor.start_watching(self, loop, every_thread=self.every_thread, lookout=self.lookout)
            self._is_open = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Watch no longer, as the block does where it is left: ``calls`` is complete, and every callback has run."""
        if self._is_open:
            self._is_open = False
            settled = monitor.stop_watching(self, SETTLE_TIMEOUT_S)
            delivered = self._callback_thread is None or self._callback_thread.finish(SETTLE_TIMEOUT_S)
            self._say_what_was_dropped()
            if not (settled and delivered):
                logger.error(
                    "A watch() block gave up waiting after %s s for %s: its reports may be incomplete",
                    SETTLE_TIMEOUT_S,
                    "the watchdog" if not settled else "on_blocking_call to return",
                )

    def receive(self, call: BlockingCall) -> None:
        """Keep a report, and pass it on to the callback. Runs on the watchdog's thread."""
        if not self._filter.accepts(call):
            return
        reports = self.disturbances if call.cause.is_machine else self.calls
        if len(reports) < MAX_CALLS:
            reports.append(call)
        else:
            self.calls_dropped += 1
        if self._callback_thread is not None and not call.cause.is_machine and not self._callback_thread.put(call):
            self.callbacks_dropped += 1

    def _say_what_was_dropped(self) -> None:
        if self.calls_dropped or self.callbacks_dropped:
            logger.warning(
                "A watch() block had too many stalls: its reports lack %s, on_blocking_call %s",
                self.calls_dropped,
                self.callbacks_dropped,
            )


def watch(
    *,
    threshold_ms: float = 50.0,
    include_paths: Sequence[str | os.PathLike[str]] | None = None,
    exclude_paths: Sequence[str | os.PathLike[str]] | None = None,
    on_blocking_call: Callable[[BlockingCall], object] | None = None,
    engine: str = "sampling",
    every_thread: bool = False,
    lookout: bool = False,
    enabled: bool = True,
) -> Watcher:
    """Report every step of the event loop that lasts ``threshold_ms`` or longer while the block is open.

    ``with watch(threshold_ms=10) as watcher:`` may stand inside a coroutine, where it watches the running loop, or
    around ``asyncio.run()``, where it watches every loop of this thread. A step that the block begins or ends in counts
    only with its part inside. When the block is left, ``watcher.calls`` is complete and every callback has run. Without
    a block, ``watcher.start()`` and ``watcher.stop()`` do the same. ``threshold_ms=0`` reports every step, as long as
    no more than some thousands end in a second; further steps of less than a millisecond are only counted, in
    ``watcher.calls_dropped``.

    ``every_thread=True`` watches the loops of all threads from their next step on: ``async_to_sync``, and so Django's
    test client and its async test methods, run a loop in a separate thread.

    ``include_paths`` and ``exclude_paths`` are substrings of file names (``str`` or ``pathlib.Path``), looked for in
    the in-app function and in all that it called. ``on_blocking_call`` is called with each ``BlockingCall``, on a
    separate thread. With ``enabled=False`` the block does nothing. Raises ``ValueError`` for an unknown engine, a
    threshold below 0 or an empty substring, ``TypeError`` for an argument of the wrong type, and, on entering,
    ``RuntimeError`` for a block that is open already.

    ``lookout=True`` adds a lookout, on Python 3.15 and Linux: a subinterpreter that sees the line and the columns of an
    operator that keeps the GIL. It takes tens of milliseconds to begin and to end.

    ``engine="tracing"`` times every call that a step makes, so that the culprit has exact milliseconds, even with a
    threshold of one millisecond. Entering the block raises ``TracingUnavailableError`` if other tools prevent that.
    """
    return Watcher(
        threshold_ms=threshold_ms,
        include_paths=include_paths,
        exclude_paths=exclude_paths,
        on_blocking_call=on_blocking_call,
        engine=engine,
        every_thread=every_thread,
        lookout=lookout,
        enabled=enabled,
    )


def _substrings(name: str, paths: Sequence[str | os.PathLike[str]] | None) -> tuple[str, ...]:
    if isinstance(paths, str | bytes | os.PathLike):
        raise TypeError(f"{name} takes a list of path substrings, not {paths!r}: write [{os.fsdecode(paths)!r}]")
    texts = tuple(os.fspath(path) if isinstance(path, os.PathLike) else path for path in paths or ())
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{name} takes substrings of paths, which are str or pathlib.Path, not {text!r}")
        if not text:
            raise ValueError(f"{name} contains an empty string, which is in every path")
    return texts


@functools.cache
def _log_why(reason: str) -> None:
    """Log the reason once for each process."""
    logger.error("watch() watches nothing, because %s", reason)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
