"""The steps of one loop in strict mode: while a step runs, a profile function sees every call that it makes.

``sys.setprofile`` passes the very C function that is called, and what it is bound to. So names that were imported early
(``from time import sleep``) and methods of immutable types are recognized as well, and nothing is patched. After every
step the profile function is taken out. A profile function that was there before is called too.
"""

import asyncio
import functools
import sys
import threading
import types
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from loopwatch.detection.cpython.callees import Callee
from loopwatch.detection.cpython.namespaces import module_name
from loopwatch.detection.cpython.qualified_names import name_of_c_callable
from loopwatch.detection.cpython.sites import Site, is_where_steps_begin
from loopwatch.detection.cpython.templates import template_at
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.strict.arguments import first_argument
from loopwatch.detection.strict.catalogue import IN_C, Known
from loopwatch.detection.strict.excuses import is_excused
from loopwatch.detection.strict.recognition import Harmless, Recognition
from loopwatch.detection.timing.steps import EVERY_STEP

logger = logger_of()

WAITED_S = 0.001
"""A call that only blocks while it waits is reported if it took this long."""

Record = Callable[[Known, Sequence[Site]], None]
ProfileFunction = Callable[[FrameType, str, Any], object]


class StrictSteps:
    """Observes every step of one loop (a ``StepObserver``)."""

    def __init__(self, record: Record) -> None:
        self.owner: asyncio.AbstractEventLoop | None = None
        self.handle: object = None
        self.started = self.ended = 0.0
        self.gap_from_s = NEVER
        self.wants_step_begin: bool | str = EVERY_STEP
        self.woken_at = NEVER
        self.ends_from_s = -1.0
        self.thread_id = threading.get_ident()
        self.failures = 0
        self._record = record
        self._recognition = Recognition()
        self._depth = 0
        self._inside: FrameType | None = None
        """The frame of a known or harmless function, whose callees are not looked at."""
        self._waiting: tuple[FrameType, Known, Any, float] | None = None
        self._profile: ProfileFunction = self._look
        self._before: ProfileFunction | None = None
        self._is_installed = self._is_stopped = False

    def on_step_begin(self, outer: object) -> object:
        """Begin a step, inside ``outer`` if there is one."""
        self._depth = self._depth + 1 if outer is not None else 1
        self.begin()
        callback = getattr(self.handle, "_callback", None)
        if callback is not None:
            self._look_at_callback(callback)
        return outer

    def end_step(self, _handle: object, _started: float, _ended: float) -> None:
        self._depth -= 1
        if self._depth <= 0:
            self.end()

    def begin(self) -> None:
        """Look at every call of the calling thread from now on."""
        self._inside = self._waiting = None
        current: Any = sys.getprofile()
        if self._is_stopped or current is self._profile or (current is not None and not callable(current)):
            return
        self.thread_id = threading.get_ident()
        self._before = current
        self._is_installed = True
        sys.setprofile(self._profile)

    def end(self) -> None:
        """Stop looking. A profile function that other code has set meanwhile stays."""
        self._inside = self._waiting = None
        if self._is_installed and sys.getprofile() is self._profile:
            sys.setprofile(self._before)
            self._is_installed = False

    def stop(self) -> None:
        """Stop looking permanently. From any thread: the loop's own thread takes the profile function out."""
        self._is_stopped = True
        if self.thread_id == threading.get_ident():
            self.end()

    def _look(self, frame: FrameType, event: str, argument: Any) -> None:
        try:
            if self._is_stopped:
                self.end()
            elif self._inside is not None:
                if event == "return" and frame is self._inside:
                    self._inside = None
            elif event == "c_call":
                self._c_call(frame, argument)
            elif event == "call":
                self._call(frame)
            elif self._waiting is not None and frame is self._waiting[0]:
                self._returned()
        except Exception:
            self.failures += 1
            if self.failures == 1:
                logger.exception("Strict mode failed, which is a bug in loopwatch; more are only counted")
        if self._before is not None:
            self._before(frame, event, argument)

    def _c_call(self, frame: FrameType, function: Any) -> None:
        known = self._recognition.of_c(function)
        if known is None or (known.condition and not known.condition(frame, function.__self__)):
            return
        if known.must_wait:
            self._waiting = frame, known, function, now()
        else:
            self._note(known, frame, function)

    def _call(self, frame: FrameType) -> None:
        known = self._recognition.of_frame(frame)
        if known is None:
            return
        if not isinstance(known, Harmless):
            if known.condition and not known.condition(frame, first_argument(frame)):
                return
            self._note(known, frame)
        self._inside = frame

    def _returned(self) -> None:
        """Report a call that only blocks while it waits, if it has waited."""
        if self._waiting is not None:
            frame, known, function, since = self._waiting
            self._waiting = None
            if now() - since >= WAITED_S:
                self._note(known, frame, function)

    def _note(self, known: Known, frame: FrameType, function: Any = None) -> None:
        callee = None if function is None else Callee(name_of_c_callable(function), is_resolved=True, is_certain=True)
        sites = _sites(frame, callee)
        if not is_excused(known, sites):
            self._record(known, sites)

    def _look_at_callback(self, callback: Any) -> None:
        """Recognize a C function that the loop itself calls, without any Python frame."""
        while type(callback) is functools.partial:
            callback = callback.func
        if type(callback) is types.BuiltinFunctionType:
            known = IN_C.get(name_of_c_callable(callback))
            if known is not None and known.condition is None and not known.must_wait:
                self._record(known, ())


def _sites(innermost: FrameType, callee: Callee | None) -> tuple[Site, ...]:
    sites: list[Site] = []
    frame: FrameType | None = innermost
    while frame is not None:
        module = module_name(frame.f_globals)
        if is_where_steps_begin(frame.f_code, module):
            break
        template = template_at(frame.f_code, frame.f_globals, frame)
        sites.append(Site(frame.f_code, frame.f_lasti, module, None if sites else callee, template=template))
        frame = frame.f_back
    return tuple(sites)
