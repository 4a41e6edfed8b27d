"""Samples of the loop thread's stack, taken by the watchdog.

A sample holds code objects and instruction offsets only: no frame, no local variable. Names, lines and sources are
worked out later (``attribution``), without it. The one thing that needs the frame is which function the innermost
instruction calls, so that is asked here (``callees``).

How long the watchdog waited for the GIL tells what the loop's thread was doing. A call that waits or computes without
the GIL lets the watchdog in at once. Python code hands the GIL over one switch interval (5 ms) after it is asked. A C
call that keeps the GIL lets nobody in until it returns.
"""

import sys
import time
from dataclasses import dataclass
from enum import Enum, auto
from types import CodeType, FrameType

from loopwatch.detection.callees import Callee, callee_at
from loopwatch.detection.clock import now
from loopwatch.detection.stopwatch import CpuReading, LoopClock

MAX_FRAMES = 500
INNERMOST_FRAMES = 300
CALLBACK_NAMES = frozenset({"<lambda>", "<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"})
_STEP_FUNCTIONS = {
    "asyncio.events": ("_run",),
    "loopwatch.detection.stopwatch": ("_run",),
    "loopwatch.detection.loop_methods": ("__call__",),
    "asyncio.base_events": ("run_forever", "run_until_complete"),
    "asyncio.runners": ("run",),
}


class GilWait(Enum):
    """What the watchdog's wait for the GIL says."""

    NONE = auto()
    """The GIL was free: the loop's thread waits, or computes without it."""
    INTERVAL = auto()
    """Handed over when asked: some thread runs Python code, or C calls too short to matter."""
    LONG = auto()
    """Kept for much longer than asked: the loop's thread was inside one operation that keeps the GIL."""
    SHARED = auto()
    """Other threads had it too: the loop's thread may have moved on since whatever took long."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a frame stood."""

    code: CodeType
    offset: int
    module: str
    callee: Callee | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One stack, innermost frame first. ``wanted_at`` and ``taken_at`` are ``now()``."""

    wanted_at: float
    taken_at: float
    cpu: CpuReading
    gil_wait: GilWait
    sites: tuple[Site, ...]
    frames_left_out: int = 0

    @property
    def waited_s(self) -> float:
        return self.taken_at - self.wanted_at


def take_sample(clock: LoopClock, wanted: "Wanted") -> Sample | None:
    """Sample the step that runs on the clock's thread; ``None`` when it ended in the meantime."""
    taken_at = now()
    cpu = clock.read_cpu()
    handle, started = clock.handle, clock.started
    if handle is None:
        return None
    frame = sys._current_frames().get(clock.thread_id)  # noqa: SLF001
    if frame is None:
        return None
    sites, left_out = _sites(frame)
    del frame
    if clock.handle is not handle or clock.started != started:
        return None
    return Sample(wanted.at, taken_at, cpu, wanted.gil_wait(taken_at, cpu), sites, left_out)


@dataclass(frozen=True, slots=True)
class Wanted:
    """When the watchdog wanted to run, the CPU time its own thread had used by then, and that of the others."""

    at: float
    own_cpu_s: float
    before: CpuReading

    def gil_wait(self, taken_at: float, cpu: CpuReading) -> GilWait:
        own_s = time.thread_time() - self.own_cpu_s
        waited_s = taken_at - self.at - own_s
        interval_s = sys.getswitchinterval()
        if waited_s < 0.6 * interval_s:
            return GilWait.NONE
        if waited_s < interval_s + 0.003:
            return GilWait.INTERVAL
        if cpu.thread_s is None or self.before.thread_s is None:
            return GilWait.LONG
        others_s = cpu.process_s - self.before.process_s - (cpu.thread_s - self.before.thread_s) - own_s
        return GilWait.SHARED if others_s > 0.4 * interval_s else GilWait.LONG


def _sites(innermost: FrameType) -> tuple[tuple[Site, ...], int]:
    """Walk the frames out to the stopwatch's own, which is where the step began."""
    sites: list[Site] = []
    left_out = 0
    frame: FrameType | None = innermost
    # A function that C code calls back (a sort key, a generator being summed) says little by itself; what its caller
    # is calling says more. So the callee is asked for the innermost frame and on through such functions.
    asks = True
    while frame is not None:
        code = frame.f_code
        module = str(frame.f_globals.get("__name__", ""))
        if _is_where_steps_begin(code, module):
            break
        callee = callee_at(frame) if asks else None
        asks = asks and code.co_name in CALLBACK_NAMES
        sites.append(Site(code, frame.f_lasti, module, callee))
        frame = frame.f_back
    if len(sites) > MAX_FRAMES:
        left_out = len(sites) - MAX_FRAMES
        del sites[INNERMOST_FRAMES : INNERMOST_FRAMES + left_out]
    return tuple(sites), left_out


def _is_where_steps_begin(code: CodeType, module: str) -> bool:
    return code.co_name in _STEP_FUNCTIONS.get(module, ())
