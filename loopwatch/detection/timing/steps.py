"""Interfaces around a step: its stand-in handles, the subscribers to its stalls, its listeners and tracers."""

import asyncio
import functools
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, Protocol

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.cpython.namespaces import IN_C, is_of, namespace_of
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.timing.trace import Trace

logger = logger_of()

AnyHandle = object
"""An ``asyncio.Handle``, or an object in its place that has ``_callback`` and ``_context``."""
EVERY_STEP = "every step"


class UnobservedStep:
    """Replaces the handle of a step that began before the stopwatch could time it."""

    __slots__ = ("_callback", "_context", "started")

    def __init__(self, task: "asyncio.Task[Any] | None", started: float) -> None:
        self.started = started
        self.note_context()
        self._callback = None if task is None else task.get_name  # a method bound to the task, as in a task's handle

    def note_context(self) -> None:
        """Note the variables of the current context, which is the step's; their later values are not seen."""
        self._context: Context = copy_context()


def task_of(callback: object) -> "asyncio.Task[Any] | None":
    """Return the task that a callback steps or wakes up. No object of the site is asked for an attribute."""
    kind: Any = type(callback)
    # The traced loop asks at every step, so what is known of a class is kept, unless its metaclass has to hash it.
    self_of = _self_of(kind) if type(kind) is type else None
    task = None if self_of is None else self_of(callback)
    return task if issubclass(type(task), asyncio.Task) else None


@functools.lru_cache(maxsize=100)
def _self_of(kind: type) -> Callable[[object], Any] | None:
    """Return what reads ``__self__`` from instances of a class, if that is done in C."""
    descriptor: Any = namespace_of(kind).get("__self__")
    return descriptor.__get__ if is_of(descriptor, *IN_C) else None


class StallSubscriber(Protocol):
    """Receives the stalls of a loop: the site, a ``watch()`` block or a traced request.

    The watchdog's thread calls ``receive``, which must return at once. A stall that still goes on is reported once it
    is older than ``ongoing_after_s``. A subscriber that ``counts_kept_out`` gets the report of a stall that has ended
    when the loop has caught up with what arrived meanwhile. ``calls_dropped`` counts the stalls shorter than a
    millisecond that were too many to be reported.
    """

    engine: str
    threshold_s: float
    ongoing_after_s: float
    counts_kept_out: bool
    calls_dropped: int
    entered: float

    def receive(self, call: BlockingCall) -> None: ...


class StepListener(Protocol):
    """Sees the beginning and the end of every step of one loop, on the loop's thread."""

    def begin_step(self) -> None: ...

    def end_step(self, handle: AnyHandle, started: float, ended: float) -> None: ...

    def trace_others(self, *, wanted: bool) -> None: ...


class StepObserver(Protocol):
    """Times the steps of one loop, its ``owner``. The hooks in the loop set the attributes and call the methods.

    They set ``handle`` while a step runs, ``started`` to the moment when it began, and ``ended`` to the moment when the
    latest one ended, or the loop began to run. They call ``on_step_begin`` as a step begins if it ``wants_step_begin``,
    or if the loop came late to it or ran no step before it, for ``gap_from_s`` or longer. They call ``end_step`` as a
    step ends that lasted ``ends_from_s`` or longer.
    """

    owner: asyncio.AbstractEventLoop | None
    handle: AnyHandle | None
    started: float
    ended: float
    gap_from_s: float
    wants_step_begin: bool | str
    woken_at: float
    """When another thread scheduled a callback while the loop rested; ``NEVER`` if none has."""
    ends_from_s: float

    def on_step_begin(self, outer: AnyHandle | None) -> AnyHandle | None:
        """Return the step that goes on around the one that has just begun."""

    def end_step(self, handle: AnyHandle, started: float, ended: float) -> None: ...


_failed: set[type] = set()


def begin_step(observer: StepObserver, outer: AnyHandle | None) -> AnyHandle | None:
    """Call ``on_step_begin``. An error of it is logged once for each type, because it must not end the loop."""
    try:
        return observer.on_step_begin(outer)
    except Exception as error:  # noqa: BLE001 - it must not end the loop
        note_failure(error)
        return None if isinstance(outer, UnobservedStep) else outer


def note_failure(error: Exception) -> None:
    """Log an error of an observer once for each type."""
    if type(error) not in _failed:
        _failed.add(type(error))
        logger.error("Observing a step failed, which is a bug in loopwatch", exc_info=error)


ClockOf = Callable[[asyncio.AbstractEventLoop], StepObserver | None]


class StepTracer(Protocol):
    """Times the calls of one loop's steps.

    The loop's thread calls ``begin_step`` and ``end_step`` around every step if the tracer ``needs_every_step``.
    ``begin_step`` may also be called in the middle of a step that began unobserved.
    """

    needs_every_step: bool

    def begin_step(self, *, thoroughly: bool = False) -> None:
        """Trace the step; ``thoroughly`` includes the calls that have proved quick before."""

    def end_step(self) -> None: ...

    def rest(self) -> None:
        """Trace no step until one is begun again."""

    def follow(self, function: object) -> None:
        """Trace a function that the running step is about to call, and whose call the tracer cannot see."""

    def relieve(self) -> None:
        """Stop tracing the running step, because tracing slows it. From any thread."""

    def moved(self, thread_id: int) -> None:
        """Note that the loop runs in another thread now."""

    def set_threshold(self, threshold_s: float) -> None: ...

    def trace(self, step: float, *, is_over: bool) -> Trace | None:
        """Return what is known of the step that began at ``step``, or ``None``. From any thread.

        A step that ``is_over`` will not change, so its trace need not be a copy.
        """
