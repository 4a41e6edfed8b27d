"""Samples of the loop thread's stack, taken by the watchdog.

A sample holds code objects and instruction offsets only, no frame and no local variable. Names, lines and sources are
found later (``verdict/attribution``). Only the function that the innermost instruction calls must be found while the
frame is at hand (``cpython/callees``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loopwatch.detection.cpython import lazy_imports
from loopwatch.detection.cpython.bytecode import is_entry
from loopwatch.detection.cpython.callees import callee_at
from loopwatch.detection.cpython.frame_marks import mark_frames, number_of
from loopwatch.detection.cpython.frames import Stack, stack_of
from loopwatch.detection.cpython.free_threading import is_gil_enabled
from loopwatch.detection.cpython.graphql_fields import COMPLETES_FIELD, resolver_at
from loopwatch.detection.cpython.imports import BEGINS_IMPORT, FINDS_MODULE, imported_in
from loopwatch.detection.cpython.namespaces import module_name
from loopwatch.detection.cpython.places import NAMELESS
from loopwatch.detection.cpython.sites import (
    IMPORT_MODULES,
    Site,
    is_collector_callback,
    is_tracer,
    is_where_steps_begin,
    step_runners,
)
from loopwatch.detection.cpython.templates import RENDERS_NODE, template_at
from loopwatch.detection.machine.clock import now
from loopwatch.detection.machine.cpu_clocks import CpuReading
from loopwatch.detection.machine.gil_wait import GilWait, SampleRequest
from loopwatch.detection.timing.loop_clock import LoopClock

MAX_FRAMES = 500
INNERMOST_FRAMES = 300
_NOT_WALKED = Stack([], [], [])


@dataclass(frozen=True, slots=True)
class Sample:
    """One stack, innermost frame first. ``due_at``, ``requested_at`` and ``taken_at`` are moments of ``now()``.

    ``delayed_s`` is how long the thread was kept from a CPU since the previous sample, and ``turns`` how often it got
    one, if known. In the first sample, both may include time before the step. ``variables`` are the ids of what the
    innermost frame's variables refer to: they can only change between two calls that the frame makes.
    """

    due_at: float
    requested_at: float
    taken_at: float
    cpu: CpuReading
    gil_wait: GilWait
    sites: tuple[Site, ...]
    delayed_s: float = 0.0
    turns: int | None = None
    variables: tuple[int, ...] | None = None

    @property
    def is_between_calls(self) -> bool:
        """Whether the thread was running Python code between two calls."""
        return bool(self.sites) and self.sites[0].callee is None and not is_collector_callback(self.sites[0].module)

    @property
    def is_seen(self) -> bool:
        return self.gil_wait is GilWait.SEEN

    @property
    def waited_s(self) -> float:
        return self.taken_at - self.requested_at

    @property
    def late_s(self) -> float:
        return self.taken_at - self.due_at


def spans_of(samples: Sequence[Sample], started: float, ended: float) -> Iterator[tuple[float, float]]:
    """Yield the span of time that each sample stands for; together they last from ``started`` to ``ended``.

    The time between two samples is split equally; the watchdog's wait for the GIL counts for the later one.
    """
    begin = started
    for index, sample in enumerate(samples):
        last = index + 1 == len(samples)
        end = ended if last else max(begin, (sample.taken_at + samples[index + 1].requested_at) / 2)
        yield begin, end
        begin = end


def take_sample(clock: LoopClock, started: float, request: SampleRequest) -> Sample | None:
    """Sample the step that began at ``started``. Returns ``None`` if it has ended."""
    taken_at = now()
    cpu = clock.read_cpu()
    handle = clock.handle
    if handle is None:
        return None
    if is_gil_enabled():
        mark_frames(clock.thread_id, step_runners())
        stack = stack_of(clock.thread_id, RENDERS_NODE, COMPLETES_FIELD, FINDS_MODULE)
    else:
        stack = _NOT_WALKED
    is_gone = not stack.standing and stack is not _NOT_WALKED
    if is_gone or clock.handle is not handle or clock.started != started:
        return None
    sites = sites_on(stack)
    variables = stack.variables
    del stack
    gil_wait = request.gil_wait(taken_at, cpu, started)
    delayed_s, turns = request.loop_turns(cpu) or (0.0, None)
    return Sample(request.due_at, request.at, taken_at, cpu, gil_wait, sites, delayed_s, turns, variables)


def sites_on(stack: Stack) -> tuple[Site, ...]:
    """Return the sites of a stack, outward to where the step began if it is one, without the middle of a deep one."""
    sites: list[Site] = []
    # A function that C code calls back (a sort key, a generator being summed), or that has only just been entered, says
    # less about a stall than the function that its caller is calling. So the callee is found for the innermost frame
    # and for the callers of such functions. The tracer's frames are passed over too: they and their
    # caller have no callee.
    asked = iter(stack.innermost)
    frame = next(asked, None)
    rendering = iter(stack.named)
    resolver = resolver_at(stack.outermost) if stack.outermost is not None else ""
    imported = imported_in(stack.outermost) if stack.outermost is not None else ""
    is_in_tracer = False
    for code, offset, namespace, trace in stack.standing:
        module = module_name(namespace)
        if is_where_steps_begin(code, module):
            break
        calls_tracer, is_in_tracer = is_in_tracer, is_tracer(module)
        callee = None if frame is None or calls_tracer or is_in_tracer else callee_at(frame, offset)
        is_called_back = code.co_name in NAMELESS or is_collector_callback(module)
        says_little = is_called_back or is_in_tracer or is_entry(code, offset)
        frame = next(asked, None) if frame is not None and says_little else None
        is_importing = bool(sites) and sites[-1].module in IMPORT_MODULES and module not in IMPORT_MODULES
        imports = lazy_imports.module_of(code, offset, namespace) if is_importing else ""
        if is_importing and not imports and sites[-1].code.co_name in BEGINS_IMPORT:
            imports = imported
        renders = next(rendering, None) if code.co_name == RENDERS_NODE else None
        template = template_at(code, namespace, renders)
        completes = resolver if code.co_name == COMPLETES_FIELD else ""
        sites.append(Site(code, offset, module, callee, imports, template, completes, number_of(trace)))
    if len(sites) > MAX_FRAMES:
        del sites[INNERMOST_FRAMES : INNERMOST_FRAMES + len(sites) - MAX_FRAMES]
    return tuple(sites)
