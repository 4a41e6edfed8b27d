"""Records the slow calls of a loop's running step. Runs on the loop's thread, once for every slow call.

The time of a call that is too quick to matter counts as its caller's. Slow calls of the same function, from the same
line and inside the same traced call, are added up, and only the first has its stack recorded. No frame, argument or
function outlives the call: only code objects, offsets and names are kept.
"""

from dataclasses import replace
from types import FrameType
from typing import Any

from loopwatch.detection.cpython.callees import name_of_callee
from loopwatch.detection.cpython.namespaces import module_name
from loopwatch.detection.cpython.sites import Site, is_monitor, is_where_steps_begin
from loopwatch.detection.cpython.templates import template_at
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.machine.clock import now
from loopwatch.detection.machine.cpu_clocks import CpuReading
from loopwatch.detection.timing.loop_clock import LoopClock
from loopwatch.detection.timing.trace import Trace, TracedCall

logger = logger_of()

WORTHWHILE_FRACTION = 0.1
SHORTEST_WORTHWHILE_S = 0.0001
LONGEST_WORTHWHILE_S = 0.0003
READING_INTERVAL_S = 0.001
MAX_CALLS = 1000
MAX_READINGS = 1000
MAX_FRAMES = 500
_RUN_TEXT = frozenset({"exec", "eval"})
"""The code that these run counts as their caller's."""


def worthwhile_s(threshold_s: float) -> float:
    """Return the duration from which a call is recorded: short beside the threshold, long beside its recording."""
    return min(max(WORTHWHILE_FRACTION * threshold_s, SHORTEST_WORTHWHILE_S), LONGEST_WORTHWHILE_S)


class StepTrace:
    """The slow calls of the step that began at ``step``. Only the loop's thread writes it."""

    __slots__ = (
        *("_calls", "_counts", "_covered", "_failures", "_readings"),
        *("clock", "is_open", "sibling", "stack", "step", "worthwhile_s"),
    )

    def __init__(self, clock: LoopClock) -> None:
        self.clock = clock
        self.step = 0.0
        self.is_open = True
        """Whether the steps that begin now are traced."""
        self.worthwhile_s = worthwhile_s(clock.threshold_s)
        self.stack: list[Any] = []
        """The calls that go on, if the tracer keeps them here."""
        self.sibling: StepTrace | None = None
        """Another loop of the same thread."""
        self._calls: dict[object, TracedCall] = {}
        self._counts: dict[int, int] = {}
        self._covered: list[tuple[float, float]] = []
        """The calls that ended before their caller: when each began, and how much of it, with its recording, is not
        the caller's own time."""
        self._readings: list[CpuReading] = []
        self._failures = 0

    def begin(self, step: float) -> None:
        """Forget the previous step, and begin with the one that began at ``step``."""
        self.step = step
        if self._calls or self._counts:
            self._calls, self._counts = {}, {}
        self._covered.clear()
        self._readings = [self.clock.read_cpu()]

    def drop_calls(self) -> None:
        """Forget the calls that go on, because their ends will not be noticed or do not matter."""
        for budget, _, _ in self.stack:
            budget.active -= 1
        self.stack.clear()

    def call_ended(
        self, frame: FrameType, function: Any, started: float, ended: float, parent: float | None = None
    ) -> None:
        """Record a slow call that has ended: ``frame`` called the C ``function``, or its own code ended.

        ``parent`` identifies the traced call around it. Errors are logged, and not raised.
        """
        began = now()
        try:
            covered_s = within_s = self._covered_since(started)
            own_s = ended - started - covered_s
            if own_s >= self.worthwhile_s:
                covered_s += self._record(frame, function, started, ended, own_s, parent)
            if function is None:
                code_id = id(frame.f_code)
                self._counts[code_id] = self._counts.get(code_id, 0) + 1
            elif within_s > 0:
                self._pass_through(frame, function, started)
            if covered_s > 0:
                # Recording a deep stack takes longer than a worthwhile call: as its caller's own time, it would have
                # the caller recorded too, and so every caller on the stack.
                self._covered.append((started, covered_s + now() - began))
        except Exception as error:  # noqa: BLE001 - the user's code must not notice
            self.note_failure(error)

    def trace(self, step: float, *, is_over: bool) -> Trace | None:
        """Return what is known of the step that began at ``step``. From any thread.

        It is a copy, unless the step is over.
        """
        if step != self.step:
            return None
        if is_over:
            return Trace(tuple(self._calls.values()), self._counts, tuple(self._readings))
        calls = tuple(replace(call, inside=list(call.inside)) for call in list(self._calls.values()))
        return Trace(calls, dict(self._counts), tuple(self._readings))

    def note_failure(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == 1:
            logger.error("The tracer failed, which is a bug in loopwatch; more are only counted", exc_info=error)

    def _covered_since(self, started: float) -> float:
        covered_s = 0.0
        while self._covered and self._covered[-1][0] >= started:
            covered_s += self._covered.pop()[1]
        return covered_s

    def _record(
        self, frame: FrameType, function: Any, started: float, ended: float, own_s: float, parent: float | None
    ) -> float:
        """Record a call, and return how much of ``own_s`` is accounted for: all of it or nothing."""
        name = "" if function is None else name_of_callee(function)
        if function is not None and not name:
            return 0.0  # a class or an object written in Python: the code that it runs has frames
        self._read_clocks(ended)
        caller = frame if function is not None else frame.f_back
        where = (0, 0) if caller is None else (id(caller.f_code), caller.f_lasti)
        key = (name or id(frame.f_code), *where, parent)
        known = self._calls.get(key)
        if known is not None:
            known.count += 1
            known.own_s += own_s
            known.total_s += ended - started
            known.ended = ended
            return own_s
        if len(self._calls) >= MAX_CALLS:
            return 0.0
        sites = sites_of(frame)
        if sites == ():
            return 0.0  # called by the loop itself, to run the step
        if sites is not None:
            self._calls[key] = TracedCall(sites, name, started, ended, own_s, ended - started)
        return own_s

    def _pass_through(self, frame: FrameType, function: Any, started: float) -> None:
        """Note in the calls recorded since ``started`` that a C function has called them back."""
        name = name_of_callee(function)
        if name and name not in _RUN_TEXT:
            for call in reversed(self._calls.values()):
                if call.ended < started:
                    break
                call.inside.append((frame.f_code, frame.f_lasti, name))

    def _read_clocks(self, at: float) -> None:
        if len(self._readings) < MAX_READINGS and (
            len(self._readings) < 2 or at - self._readings[-1].at >= READING_INTERVAL_S
        ):
            self._readings.append(self.clock.read_cpu())


def sites_of(innermost: FrameType) -> tuple[Site, ...] | None:
    """Return the sites of a stack, out to where the step began; ``None`` if loopwatch itself made the call."""
    sites: list[Site] = []
    frame: FrameType | None = innermost
    while frame is not None and len(sites) < MAX_FRAMES:
        code = frame.f_code
        module = module_name(frame.f_globals)
        if is_where_steps_begin(code, module):
            break
        if is_monitor(module):
            return None
        sites.append(Site(code, frame.f_lasti, module, template=template_at(code, frame.f_globals, frame)))
        frame = frame.f_back
    return tuple(sites)
