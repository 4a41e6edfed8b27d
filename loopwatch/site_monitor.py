"""Connects detection with recording: every watched loop of a process reports its stalls to one recorder.

The functions at the end act on the monitor of the current process; a forked child gets its own monitor.
"""

import asyncio
import os
import random
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from loopwatch import in_tests
from loopwatch.conf import SETTINGS_READ, Configuration, configuration, is_process_chosen
from loopwatch.detection import monitor
from loopwatch.detection.calls import SAMPLING
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.machine.clock import now
from loopwatch.detection.machine.surroundings import why_not_watched
from loopwatch.detection.timing.in_flight import InFlight
from loopwatch.detection.timing.loop_clock import LoopClock
from loopwatch.detection.tracing.tracer import TracingUnavailableError
from loopwatch.metrics.availability import SINK
from loopwatch.metrics.registration import span_finder
from loopwatch.process_exit import ProcessExit
from loopwatch.sign_of_life.liveness import Liveness, confirmed, liveness_of
from loopwatch.sign_of_life.thread import SignOfLife
from loopwatch.site_subscriber import SiteSubscriber
from loopwatch.thread_waits.asgiref_hooks import AsgirefHooks
from loopwatch.thread_waits.default_executors import DefaultExecutors

if TYPE_CHECKING:
    from loopwatch.recorder.health import Errors, Stats
    from loopwatch.recorder.recorder import Recorder
    from loopwatch.thread_waits.thread_queue import ReportWait

logger = logger_of()

STOP_TIMEOUT_S = 5.0
SETTINGS_RETRY_S = 10.0
"""The wait before wrong settings are read again, because judging them imports the modules that they name."""


class SiteMonitor:
    """The watched loops of this process and their recorder, which is made when the first loop is watched."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._configuration: Configuration | None = None
        self._recorder: Recorder | None = None
        self._sign_of_life: SignOfLife | None = None
        self._subscribers: dict[asyncio.AbstractEventLoop, SiteSubscriber] = {}
        self._in_flight: dict[asyncio.AbstractEventLoop, InFlight] = {}
        self._decided_for: Configuration | None = None
        self._is_chosen = False
        self.trace_rate = 0.0
        self._random = random.Random()  # noqa: S311 - the site may seed the common generator
        self._logged_reason: str | None = None
        self._settings_wrong_until = 0.0
        self._has_logged_fallback = False
        self._asgiref_hooks = AsgirefHooks()
        self._default_executors = DefaultExecutors()
        self._process_exit = ProcessExit(self.stop)

    def watch_running_loop(self) -> InFlight | None:
        """Watch the running loop from now on and return its requests; ``None`` if it is not to be watched."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # another framework runs, such as Trio under Hypercorn
            self._log_once("its server does not run asyncio.")
            return None
        found = self._in_flight.get(loop)
        return found if found is not None else self._begin(loop)

    def forget_configuration(self) -> None:
        """Have the next request on each loop read the changed settings."""
        self._in_flight.clear()
        self._settings_wrong_until = 0.0

    def _begin(self, loop: asyncio.AbstractEventLoop) -> InFlight | None:
        if time.monotonic() < self._settings_wrong_until or not in_tests.is_recording_wanted():
            return None
        try:
            current = configuration()
        except Exception as error:  # noqa: BLE001 - a setting may be a lazy object, whose code may raise anything
            self._settings_wrong_until = time.monotonic() + SETTINGS_RETRY_S
            problems = error if isinstance(error, ImproperlyConfigured) else repr(error)
            self._log_once(f"its settings are wrong.\n{problems}")
            return None
        if current is self._configuration and not self._is_chosen:
            return None
        try:
            return self._watch(loop, current)
        except Exception as error:  # noqa: BLE001 - the request must be served even if loopwatch fails
            self._log_once(f"it could not start: {error!r}.")
            return None

    def is_request_sampled(self) -> bool:
        """Draw whether ``TRACE_RATE`` selects the next request for tracing."""
        return self._random.random() < self.trace_rate

    @property
    def errors(self) -> "Errors | None":
        """The counts of loopwatch's own failures; ``None`` while no loop is watched."""
        recorder = self._recorder
        return None if recorder is None else recorder.errors

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        """Stop watching every loop, write what is pending and end all threads; return False on timeout."""
        with self._lock:
            return self._stop(timeout_s)

    def stop_watching(self, loop: asyncio.AbstractEventLoop, timeout_s: float) -> bool:
        """Stop watching one loop, and everything with the last loop; return False on timeout."""
        with self._lock:
            self._in_flight.pop(loop, None)
            self._default_executors.uninstall(loop)
            subscriber = self._subscribers.pop(loop, None)
            if subscriber is not None:
                monitor.stop_watching(subscriber, timeout_s)
            self._forget_closed_loops()
            return self._stop(timeout_s) if not self._subscribers else self._flush(timeout_s)

    def abandon(self) -> None:
        """Remove in a forked child the hooks of its parent, without the lock, which a lost thread may hold."""
        self._stop_measuring_thread_waits()
        self._process_exit.unregister()
        if self._sign_of_life is not None:
            self._sign_of_life.abandon()

    def flush(self, timeout_s: float) -> bool:
        """Write everything detected so far; return False on timeout."""
        with self._lock:
            return self._flush(timeout_s)

    def stats(self) -> "Stats":
        """Return what loopwatch itself has done in this process; all zeros while no loop is watched."""
        from loopwatch.recorder.health import Stats  # noqa: PLC0415

        # ``stop`` and ``flush`` may hold the lock for seconds.
        recorder = self._recorder
        return replace(recorder.stats(), loops=len(self._subscribers)) if recorder else Stats()

    def liveness(self) -> Liveness:
        """Return whether the loops serve; it takes no lock. From any thread."""
        current, subscribers = self._configuration, list(self._subscribers.values())
        if current is None:
            return Liveness()
        clocks = [subscriber.clock for subscriber in subscribers if subscriber.clock is not None]
        return liveness_of(clocks, current.liveness_after_s, now())

    def _watch(self, loop: asyncio.AbstractEventLoop, current: Configuration) -> InFlight | None:
        with self._lock:
            if current is not self._configuration:
                self._stop(STOP_TIMEOUT_S)
                self._configuration = current
                self._decide(current)
            if not self._is_chosen:
                return None
            if not apps.is_installed("loopwatch"):
                self._log_once('it is not installed. Add "loopwatch" to INSTALLED_APPS and run manage.py migrate.')
                return None
            if reason := why_not_watched():
                self._log_once(f"{reason}.")
                return None
            self._forget_closed_loops()
            if self._recorder is None:
                self._recorder = _new_recorder(current)
                if current.thread_waits:
                    self._asgiref_hooks.install(*_measuring(current, self._recorder))
                self._process_exit.register()
                self._give_signs_of_life(current)
            self._recorder.start()  # again if there was no room for one of its threads before
            subscriber = SiteSubscriber(current, self._recorder)
            (clock,) = self._start_watching(subscriber, loop)
            subscriber.clock = clock
            self._subscribers[loop] = subscriber
            clock.usage.report = self._recorder.put_usage
            clock.find_otel_span = span_finder() if SINK in current.sinks else None
            if current.thread_waits:
                self._default_executors.install(loop, *_measuring(current, self._recorder))
            self._in_flight[loop] = clock.in_flight
            return clock.in_flight

    def _decide(self, current: Configuration) -> None:
        """Decide once for each configuration whether this process is watched."""
        self.trace_rate = current.trace_rate
        if current is not self._decided_for:
            self._decided_for = current
            self._is_chosen = is_process_chosen(current.enabled)

    def _start_watching(self, subscriber: SiteSubscriber, loop: asyncio.AbstractEventLoop) -> tuple[LoopClock, ...]:
        try:
            return self._subscribe(subscriber, loop)
        except TracingUnavailableError as error:
            if not self._has_logged_fallback:
                self._has_logged_fallback = True
                logger.error("The site is watched by the sampling engine instead. %s.", error)  # noqa: TRY400
            subscriber.engine = SAMPLING
            return self._subscribe(subscriber, loop)

    def _subscribe(self, subscriber: SiteSubscriber, loop: asyncio.AbstractEventLoop) -> tuple[LoopClock, ...]:
        return monitor.start_watching(subscriber, loop, lookout=subscriber.wants_lookout)

    def _stop_measuring_thread_waits(self) -> None:
        self._asgiref_hooks.uninstall()
        self._default_executors.uninstall_all()

    def _give_signs_of_life(self, current: Configuration) -> None:
        if not current.signs_of_life:
            return
        try:
            sign_of_life = SignOfLife(current.signs_of_life, self.liveness)
            sign_of_life.start()
        except (OSError, RuntimeError) as error:  # no more descriptors or threads
            logger.error("This process gives no sign of life: %s", error)  # noqa: TRY400
            return
        self._sign_of_life = sign_of_life

    def _stop(self, timeout_s: float) -> bool:
        self._stop_measuring_thread_waits()
        if self._sign_of_life is not None:
            self._sign_of_life.stop()
            self._sign_of_life = None
        for subscriber in self._subscribers.values():
            monitor.stop_watching(subscriber, timeout_s)
        self._subscribers.clear()
        self._in_flight.clear()
        recorder, self._recorder = self._recorder, None
        self._configuration = None
        if recorder is None:
            return True
        self._process_exit.unregister()
        return recorder.stop(timeout_s)

    def _flush(self, timeout_s: float) -> bool:
        return monitor.settle(timeout_s) and (self._recorder is None or self._recorder.flush(timeout_s))

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in self._subscribers if loop.is_closed()]:
            self._default_executors.uninstall(loop)
            monitor.stop_watching(self._subscribers.pop(loop), STOP_TIMEOUT_S)
            self._in_flight.pop(loop, None)

    def _log_once(self, reason: str) -> None:
        if reason != self._logged_reason:
            self._logged_reason = reason
            logger.error("The site is served without loopwatch, because %s", reason)


def _new_recorder(configuration: Configuration) -> "Recorder":
    # The recorder needs the models; asgi.py imports this module before Django is set up.
    from loopwatch.recorder.recorder import Recorder  # noqa: PLC0415

    return Recorder(configuration, monitor.watchdog_figures)


def _measuring(current: Configuration, recorder: "Recorder") -> tuple[float, float, "ReportWait"]:
    return current.threshold_ms / 1000, current.ongoing_after_s, recorder.put_wait


_monitor = SiteMonitor()


def watch_running_loop() -> InFlight | None:
    """Watch the running loop from now on and return its requests; ``None`` if it is not to be watched.

    Every request calls this on the loop's thread: two calls and one dictionary look-up once the loop is watched.
    """
    return _monitor.watch_running_loop()


def stop_watching(loop: asyncio.AbstractEventLoop, timeout_s: float = STOP_TIMEOUT_S) -> bool:
    """Stop watching one loop, and everything with the last loop; return False on timeout."""
    return _monitor.stop_watching(loop, timeout_s)


def stop(timeout_s: float = STOP_TIMEOUT_S) -> bool:
    """Stop watching every loop, write what is pending and end all threads; return False on timeout."""
    return _monitor.stop(timeout_s)


def flush(timeout_s: float = STOP_TIMEOUT_S) -> bool:
    """Write everything detected so far; return False on timeout."""
    return _monitor.flush(timeout_s)


def trace_rate() -> float:
    """Return ``TRACE_RATE``; 0 before the first loop is watched."""
    return _monitor.trace_rate


def is_request_sampled() -> bool:
    """Draw whether ``TRACE_RATE`` selects the next request for tracing."""
    return _monitor.is_request_sampled()


def errors() -> "Errors | None":
    """Return the counts of loopwatch's own failures; ``None`` while no loop is watched."""
    return _monitor.errors


def stats() -> "Stats":
    """Return what loopwatch itself has done in this process; all zeros while no loop is watched."""
    return _monitor.stats()


def liveness() -> Liveness:
    """Return whether the loops of this process serve. Called off the loops, it takes 20 ms while one is blocked."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return confirmed(_monitor.liveness)
    return _monitor.liveness()


def _forget_configuration(*, setting: str, **_: object) -> None:
    if setting in SETTINGS_READ:
        _monitor.forget_configuration()


setting_changed.connect(_forget_configuration)


def _after_fork() -> None:
    """Replace the monitor in a forked child: the parent's loops, threads and lock are not the child's."""
    global _monitor  # noqa: PLW0603
    _monitor.abandon()
    _monitor = SiteMonitor()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
