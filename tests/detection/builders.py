"""The data that a verdict is given, built in one line each: readings, samples, traces and stalls.

All times are seconds. A step begins at 0 unless a test says otherwise.
"""

import dis
import inspect
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import CodeType

from loopwatch.detection.calls import SAMPLING, Cause
from loopwatch.detection.cpython import source
from loopwatch.detection.cpython.callees import Callee
from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.machine.cpu_clocks import CpuReading, Turns
from loopwatch.detection.machine.gil_wait import GilWait, SampleRequest
from loopwatch.detection.machine.throttling import NEVER_THROTTLED
from loopwatch.detection.sampling.gc_pauses import Collecting, Pause
from loopwatch.detection.sampling.observation import Observation
from loopwatch.detection.sampling.sample import Sample
from loopwatch.detection.timing.loop_clock import Stall
from loopwatch.detection.timing.trace import Trace, TracedCall
from loopwatch.detection.verdict.attribution import Path, nodes_of
from loopwatch.detection.verdict.blocking_call import blocking_call
from loopwatch.detection.verdict.explanation import Explanation
from tests.detection import shop

THRESHOLD_S = 0.05
LOOP_THREAD = 1
NO_COLLECTION = Collecting()
STARTED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENTRY = "the instruction that a function begins with"


def stop_clock(monkeypatch, *modules):
    """Stop the clock of these modules at the present moment, and return it: a busy machine adds nothing."""
    moment = now()
    for module in modules:
        monkeypatch.setattr(module, "now", lambda: moment)
    return moment


def reading(at, thread=0.0, others=0.0, watchdog=0.0):
    """CPU clocks as of ``at``: the loop's thread (``None`` if unknown), all other threads and the watchdog."""
    return CpuReading(at, thread, watchdog, (thread or 0.0) + others + watchdog)


def sample(at, cpu=0.0, stack=(), gil=GilWait.NONE, *, requested_at=None, due_at=None, delayed_s=0.0, turns=None):
    """A sample taken at ``at``. ``cpu`` is a reading, or the CPU seconds of the loop's thread alone."""
    requested_at = at if requested_at is None else requested_at
    return Sample(
        due_at=requested_at if due_at is None else due_at,
        requested_at=requested_at,
        taken_at=at,
        cpu=cpu if isinstance(cpu, CpuReading) else reading(at, cpu),
        gil_wait=gil,
        sites=tuple(stack),
        delayed_s=delayed_s,
        turns=turns,
    )


@dataclass(frozen=True)
class Delayed:
    """What ``Delays`` has measured: for how long either thread has been kept from a CPU."""

    loop: float = 0.0
    watchdog: float = 0.0

    def loop_s(self):
        return self.loop

    def watchdog_s(self):
        return self.watchdog

    def loop_turns(self):
        return Turns(self.loop, 1)


def wanted(asked_at=0.0, *, due_at=None, before=None, others_load=0.0, threshold_s=THRESHOLD_S, delays=None):
    """What the watchdog knew as it asked for the GIL."""
    before = reading(asked_at) if before is None else before
    due_at = asked_at if due_at is None else due_at
    return SampleRequest(due_at, max(due_at, asked_at), asked_at, before, others_load, threshold_s, delays)


def site(function, at=None, callee=None, *, module=None):
    """Where a frame of ``function`` (or of a code object) stands: on the expression ``at``, or on its first call.

    ``callee`` is what it calls: a name that is certain, or a ``Callee``. The site's own code is the module ``shop``.
    """
    code = function if isinstance(function, CodeType) else inspect.unwrap(function).__code__
    if module is None:
        module = "shop" if code.co_filename == shop.__file__ else function.__globals__["__name__"]
    return Site(code, offset_of(code, at), module, called(callee) if isinstance(callee, str) else callee)


def called(name, *, is_resolved=True, is_certain=True):
    return Callee(name, is_resolved, is_certain)


def offset_of(code, at=None):
    """The offset of the instruction that evaluates the expression ``at``."""
    instructions = list(dis.get_instructions(code))
    if at is None:
        first_call = (each for each in instructions if each.opname == "CALL")
        return next(first_call, instructions[-1]).offset
    if at == ENTRY:
        return next(each.offset for each in instructions if each.opname == "RESUME")
    found = [each for each in instructions if _text_of(code, each.offset) == at]
    return max(found, key=lambda each: (each.opname in ("CALL", "IMPORT_NAME"), each.offset)).offset


def inner_code(function, name):
    """The code object of a lambda or generator that ``function`` makes."""
    code = function.__code__
    return next(each for each in code.co_consts if isinstance(each, CodeType) and each.co_name == name)


def _text_of(code, offset):
    return source.text_of(code.co_filename, source.span_at(code, offset))


def traced(stack, started, ended, *, name="", own_s=None, count=1, inside=()):
    """A call in a trace: of the C function ``name``, or of the Python function that ``stack`` begins with."""
    lasted_s = ended - started
    own_s = lasted_s if own_s is None else own_s
    return TracedCall(tuple(stack), name, started, ended, own_s, lasted_s, count, list(inside))


def trace(*calls, counts=None, readings=()):
    """``counts`` is by function."""
    by_id = {id(function.__code__): count for function, count in (counts or {}).items()}
    return Trace(calls, by_id, tuple(readings))


@dataclass(frozen=True)
class Watch:
    """Whoever watches the loop."""

    threshold_s: float = THRESHOLD_S
    engine: str = "sampling"
    ongoing_after_s: float = NEVER
    counts_kept_out: bool = False
    calls_dropped: int = 0
    entered: float = 0.0


@dataclass(frozen=True)
class Step:
    """The handle of a step: what the loop runs, and the context it runs in."""

    _callback: object = None
    _context: object = field(default_factory=copy_context)


def stall(
    ended, *, started=0.0, cpu=0.0, handle=None, subscribers=(Watch(),), waiting=0, delayed=(), trace=None, request=None
):
    """A step that lasted from ``started`` to ``ended``. ``cpu`` is as for a sample."""
    return Stall(
        clock=None,
        handle=Step() if handle is None else handle,
        step_started=started,
        ended=ended,
        cpu=cpu if isinstance(cpu, CpuReading) else reading(ended, cpu),
        subscribers=tuple(subscribers),
        waiting=waiting,
        trace=trace,
        delayed=tuple(delayed),
        request=request,
    )


def observation(
    *samples,
    started=0.0,
    before=None,
    delays=None,
    suspended_s=0.0,
    throttled=NEVER_THROTTLED,
    stall_id="a stall",
    otel_span=None,
):
    """What the watchdog saw of a step. ``before`` was read as the step began, unless a test says otherwise."""
    return Observation(
        step_started=started,
        next_sample_at=NEVER,
        before=reading(started) if before is None else before,
        next_report_at=NEVER,
        delays=delays,
        samples=list(samples),
        stall_id=stall_id,
        otel_span=otel_span,
        suspended_s=suspended_s,
        throttled=throttled,
    )


def path(
    stack, weight_s=1.0, state=Cause.WAITING, *, is_exact=True, collecting=0.0, delayed=0.0, variables=None, timed=0
):
    """A stack as a path that stands for ``weight_s`` of the step. ``collecting`` and ``delayed`` are shares of it."""
    seen = replace(sample(weight_s, stack=stack), variables=variables)
    nodes = nodes_of(seen.sites, is_exact=is_exact, is_calling=True)
    return Path(nodes, seen, weight_s, state, collecting, delayed, timed)


def collected(*moments):
    """Collections on the loop's own thread, each from one moment to another."""
    return Collecting(tuple(Pause(LOOP_THREAD, *each) for each in moments))


def named(nodes):
    """The names of nodes, outermost first, each with a question mark if it is not certain."""
    return [node.name if node.is_exact else f"{node.name}?" for node in nodes]


def reported(
    *paths,
    of=None,
    seen=None,
    counts=None,
    started=0.0,
    collecting=NO_COLLECTION,
    engine=SAMPLING,
    ongoing=False,
    usual=None,
):
    """The report of a stall of one second, whose time went to ``paths``.

    ``usual`` is how often calls were named before, by the names of the function and the call.
    """
    return blocking_call(
        stall(1.0) if of is None else of,
        observation() if seen is None else seen,
        started,
        Explanation(list(paths), counts or {}),
        started_at=STARTED_AT,
        collecting=collecting,
        engine=engine,
        ongoing=ongoing,
        times_named=lambda *names: (usual or {}).get(names, 0),
    )


def own_ms(call):
    """What a report says the time went to: names, and the milliseconds of each."""
    return [(each.name, each.own_ms) for each in call.contributions]
