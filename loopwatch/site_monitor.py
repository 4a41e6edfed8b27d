"""Connects detection with the recorder: every watched loop of a process reports its stalls to one recorder.

A loop is watched while it serves a wrapped application, or while a block of ``recording()`` wants it.

The functions at the end are those of the monitor of this process.
"""

import asyncio
import os
import random
import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from django.core.signals import setting_changed

from loopwatch.conf import SETTINGS_READ, Configuration
from loopwatch.detection import monitor
from loopwatch.detection.calls import SAMPLING
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.machine.clock import now
from loopwatch.detection.timing.in_flight import InFlight
from loopwatch.detection.timing.loop_clock import LoopClock
from loopwatch.detection.tracing.tracer import TracingUnavailableError
from loopwatch.metrics.availability import SINK
from loopwatch.metrics.registration import span_finder
from loopwatch.open_programs import OpenProgram, OpenPrograms
from loopwatch.process_exit import ProcessExit, Termination
from loopwatch.sign_of_life.liveness import Liveness, confirmed, liveness_of
from loopwatch.sign_of_life.substitute import Substitute
from loopwatch.sign_of_life.thread import SignOfLife
from loopwatch.site_permission import SitePermission
from loopwatch.site_subscriber import SiteSubscriber
from loopwatch.thread_waits.process_hooks import ThreadWaitHooks

if TYPE_CHECKING:
    from loopwatch.recorder.health import Errors, Stats
    from loopwatch.recorder.recorder import Recorder

logger = logger_of()

STOP_TIMEOUT_S = 5.0


class SiteMonitor:
    """The watched loops of this process and their recorder, which is made when the first loop is watched.

    In a forked child, it begins again.

    ``_in_flight`` has those that serve a wrapped application.
    """

    def __init__(self, programs: OpenPrograms | None = None) -> None:
        self._lock = threading.Lock()
        self._configuration: Configuration | None = None
        self._recorder: Recorder | None = None
        self._sign_of_life: SignOfLife | None = None
        self._subscribers: dict[asyncio.AbstractEventLoop, SiteSubscriber] = {}
        self._in_flight: dict[asyncio.AbstractEventLoop, InFlight] = {}
        self.programs = programs or OpenPrograms()
        self._at_rest: tuple[Configuration, Recorder] | None = None
        """The recorder of the latest block, for the next one: one process has one row of figures."""
        self._permission = SitePermission()
        self.trace_rate = 0.0
        self._random = random.Random()  # noqa: S311 - the site may seed the common generator
        self._has_logged_fallback = False
        self._has_logged_waiting = False
        self._thread_waits = ThreadWaitHooks()
        self._process_exit = ProcessExit(self.stop)
        self._termination = Termination(self.stop, STOP_TIMEOUT_S)

    def watch_running_loop(self) -> InFlight | None:
        """Watch the running loop from now on and return its requests; ``None`` if it is not to be watched.

        Every request calls this on the loop's thread: a dictionary look-up once the loop is watched.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # another framework runs, such as Trio under Hypercorn
            self._permission.log_once("its server does not run asyncio.")
            return None
        found = self._in_flight.get(loop)
        return found if found is not None else self._begin(loop, serves=True)

    def enter(self, program: OpenProgram) -> bool:
        """Record the loops of a block until ``leave``; return False if it is not recorded, which is logged."""
        current = self._permission.settings()
        with self._lock:
            if current is None or not self._may_watch(current):
                return False
            self.programs.add(program)
            if program.loop is None:
                monitor.adopt_by(self.adopt)
                return True
        return self._begin(program.loop, serves=False) is not None

    def leave(self, program: OpenProgram, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        """Write what a block has recorded; stop everything with the last block or loop. Return False on timeout."""
        return not self.forget(program, timeout_s) or self._write(timeout_s)

    def forget(self, program: OpenProgram, timeout_s: float = 0.0) -> bool:
        """Record the loops of a block no longer, but keep what is not written. Return False if it was not recorded."""
        with self._lock:
            if not self.programs.remove(program):
                return False
            if not self.programs.outside_of_loops:
                monitor.adopt_by(None)
            if self._configuration and self._recorder:
                self._at_rest = self._configuration, self._recorder
            self._forget_unwanted(timeout_s)
        return True

    def adopt(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch a loop that comes to run while a block is open."""
        if loop not in self._subscribers:
            self._begin(loop, serves=False, is_in_step=False)

    def forget_configuration(self) -> None:
        """Have the next request on each loop read the changed settings."""
        self._in_flight.clear()
        self._permission.read_settings_again()

    def _begin(self, loop: asyncio.AbstractEventLoop, *, serves: bool, is_in_step: bool = True) -> InFlight | None:
        current = self._permission.settings()
        if current is None or (current is self._configuration and not self._permission.is_chosen):
            return None
        try:
            return self._watch(loop, current, serves=serves, is_in_step=is_in_step)
        except Exception as error:  # noqa: BLE001 - the request must be served even if loopwatch fails
            self._permission.log_once(f"loopwatch could not start: {error!r}.")
            return None

    def is_request_sampled(self) -> bool:
        """Draw whether ``TRACE_RATE`` selects the next request for tracing."""
        return self._random.random() < self.trace_rate

    def errors(self) -> "Errors | None":
        """The counts of loopwatch's own failures; ``None`` while no loop is watched."""
        return recorder.errors if (recorder := self._recorder) else None

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        """Stop watching every loop, write what is pending and end all threads; return False on timeout."""
        with self._lock:
            return self._stop(timeout_s)

    def stop_watching(self, loop: asyncio.AbstractEventLoop, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        """Stop watching one loop, and everything with the last loop; return False on timeout."""
        with self._lock:
            self._in_flight.pop(loop, None)
            self._forget_unwanted(timeout_s)
        return self._write(timeout_s)

    def abandon(self) -> None:
        """Remove in a forked child the hooks of its parent, without the lock, which a lost thread may hold."""
        self._thread_waits.uninstall()
        self._process_exit.unregister()
        self._termination.uninstall()
        if self._sign_of_life is not None:
            self._sign_of_life.abandon()

    def flush(self, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        """Write everything detected so far; return False on timeout."""
        return monitor.settle(timeout_s) and ((recorder := self._recorder) is None or recorder.flush(timeout_s))

    def stats(self) -> "Stats":
        """Return what loopwatch itself has done in this process; all zeros while no loop is watched."""
        from loopwatch.recorder.health import Stats  # noqa: PLC0415

        # ``stop`` may hold the lock for seconds.
        recorder = self._recorder
        return replace(recorder.stats(), loops=len(self._subscribers)) if recorder else Stats()

    def liveness(self) -> Liveness:
        """Return whether the loops serve; it takes no lock. From any thread."""
        current, subscribers = self._configuration, list(self._subscribers.values())
        if current is None:
            return Liveness()
        clocks = [subscriber.clock for subscriber in subscribers if subscriber.clock is not None]
        return liveness_of(clocks, current.liveness_after_s, now())

    def _watch(
        self, loop: asyncio.AbstractEventLoop, current: Configuration, *, serves: bool, is_in_step: bool
    ) -> InFlight | None:
        with self._lock:
            if not self._may_watch(current) or not (serves or self.programs.want(loop)):
                return None
            clock = subscriber.clock if (subscriber := self._subscribers.get(loop)) else None
            clock = clock or self._new_clock(loop, current, is_in_step=is_in_step)
            for closed in [each for each in self._subscribers if each.is_closed()]:
                self._forget(closed, timeout_s=0.0)  # its reports go on, but this loop must not wait for them
            if serves:
                self._subscribers[loop].counts_kept_out = True
                self._in_flight[loop] = clock.in_flight
                self._termination.install()  # most servers handle the signal; Hypercorn's and Channels' workers do not
                if self._sign_of_life is None:
                    self._sign_of_life = SignOfLife.started(
                        current.signs_of_life,
                        self.liveness,
                        Substitute(monitor.current_lookout, current.liveness_after_s),
                    )
            self._assign_programs()
            return clock.in_flight

    def _may_watch(self, current: Configuration) -> bool:
        """Adapt to the settings; return whether loops of this process are watched."""
        if current is not self._configuration:
            self._stop(STOP_TIMEOUT_S)
            self._configuration = current
            self.trace_rate = current.trace_rate
        return self._permission.is_given(current)

    def _new_clock(self, loop: asyncio.AbstractEventLoop, current: Configuration, *, is_in_step: bool) -> LoopClock:
        recorder = self._running_recorder(current)
        subscriber = SiteSubscriber(current, recorder)
        start = partial(monitor.start_watching, subscriber, loop, is_in_step=is_in_step)
        try:
            (clock,) = start(lookout=current.lookout, hold_folder=current.lookout_folder)
        except TracingUnavailableError as error:
            if not self._has_logged_fallback:
                self._has_logged_fallback = True
                logger.error("The site is watched by the sampling engine instead. %s.", error)  # noqa: TRY400
            subscriber.engine = SAMPLING
            (clock,) = start(lookout=current.lookout, hold_folder=current.lookout_folder)
        subscriber.clock = clock
        self._subscribers[loop] = subscriber
        clock.usage.report = recorder.put_usage
        clock.count_steps(recorder.loop_times.count_step)
        clock.find_otel_span = span_finder() if SINK in current.sinks else None
        self._thread_waits.add(loop)
        return clock

    def _running_recorder(self, current: Configuration) -> "Recorder":
        # The recorder needs the models; asgi.py imports this module before Django is set up.
        from loopwatch.recorder.recorder import Recorder  # noqa: PLC0415

        recorder = self._recorder
        if recorder is None:
            at_rest = self._at_rest[1] if self._at_rest is not None and self._at_rest[0] is current else None
            self._recorder = recorder = at_rest or Recorder(current, monitor.watchdog_figures)
            if current.thread_waits:
                self._thread_waits.install(current.threshold_ms / 1000, current.ongoing_after_s, recorder.put_wait)
            self._process_exit.register()
        recorder.start()  # again if there was no room for one of its threads before
        return recorder

    def _assign_programs(self) -> None:
        """Tell each loop which block the steps belong to that serve no request."""
        for loop, subscriber in self._subscribers.items():
            if subscriber.clock is not None:
                subscriber.clock.in_flight.program = self.programs.of(loop, subscriber.clock.thread_id, self._in_flight)

    def _forget_unwanted(self, timeout_s: float) -> None:
        """Stop watching the loops that serve nothing and that no block wants."""
        for loop in list(self._subscribers):
            if loop.is_closed() or not (loop in self._in_flight or self.programs.want(loop)):
                self._forget(loop, timeout_s)
        self._assign_programs()
        if not self._in_flight:
            self._end_sign_of_life()

    def _write(self, timeout_s: float) -> bool:
        """Write everything detected so far; stop if nothing is watched any more. Returns False on timeout."""
        deadline = time.monotonic() + timeout_s
        is_written = self.flush(timeout_s)  # without the lock, which a loop takes as it enters a block
        with self._lock:
            if self._subscribers or self.programs:
                self._log_what_waits(timeout_s, is_written=is_written)
                return is_written
            return self._stop(max(0.0, deadline - time.monotonic())) and is_written

    def _log_what_waits(self, timeout_s: float, *, is_written: bool) -> None:
        """Log how many stalls a block leaves to others that go on, once until everything is written again."""
        stats = self.stats()
        if is_written:
            self._has_logged_waiting = False
        elif stats.pending and not self._has_logged_waiting:
            self._has_logged_waiting = True
            reason = f" ({stats.last_error})" if stats.last_error else ""
            logger.warning(
                "%d stalls were not written within %g s%s. They wait, and are lost if os._exit() ends this process, "
                "as in children of multiprocessing.",
                stats.pending,
                timeout_s,
                reason,
            )

    def _stop(self, timeout_s: float) -> bool:
        self._thread_waits.uninstall()
        self._end_sign_of_life()
        for subscriber in self._subscribers.values():
            monitor.stop_watching(subscriber, timeout_s)
        self._subscribers.clear()
        self._in_flight.clear()
        recorder, self._recorder = self._recorder, None
        self._configuration = None
        if recorder is None:
            return True
        self._process_exit.unregister()
        self._termination.uninstall()
        return recorder.stop(timeout_s)

    def _end_sign_of_life(self) -> None:
        if self._sign_of_life is not None:
            self._sign_of_life.stop()
            self._sign_of_life = None

    def _forget(self, loop: asyncio.AbstractEventLoop, timeout_s: float) -> None:
        self._thread_waits.remove(loop)
        self._in_flight.pop(loop, None)
        monitor.stop_watching(self._subscribers.pop(loop), timeout_s)


_monitor = SiteMonitor()
watch_running_loop = _monitor.watch_running_loop
stop_watching = _monitor.stop_watching
stop = _monitor.stop
enter = _monitor.enter
leave = _monitor.leave
forget = _monitor.forget
flush = _monitor.flush
is_request_sampled = _monitor.is_request_sampled
errors = _monitor.errors
stats = _monitor.stats


def trace_rate() -> float:
    """Return ``TRACE_RATE``; 0 before the first loop is watched."""
    return _monitor.trace_rate


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
    """Have the monitor begin again in a forked child: only the blocks around the fork are its own."""
    _monitor.abandon()
    SiteMonitor.__init__(_monitor, _monitor.programs.in_forked_child())
    if _monitor.programs:
        monitor.adopt_by(_monitor.adopt)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
