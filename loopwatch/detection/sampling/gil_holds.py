"""Finds the thread that kept the GIL from the watchdog, and so from the loops.

A thread that keeps the GIL in C code is forced to hand it over as the call returns, and then waits for it again. So if
the watchdog was kept waiting, the thread that used the CPU meanwhile still stands on its call.
"""

import sys
import threading
from collections import deque
from dataclasses import dataclass

from loopwatch.detection.cpython.frames import stack_of
from loopwatch.detection.cpython.free_threading import is_gil_enabled
from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.cpython.templates import RENDERS_NODE
from loopwatch.detection.lookout.look import keeper_of
from loopwatch.detection.lookout.lookout import Lookout
from loopwatch.detection.lookout.placing import sites_of
from loopwatch.detection.machine.clock import now
from loopwatch.detection.machine.thread_cpu import ENDED, CpuUse, ThreadCpu, native_id_of, thread_cpu_s, thread_id_of
from loopwatch.detection.sampling.sample import sites_on
from loopwatch.detection.sampling.thread_requests import TAKES_WORK, request_of_thread
from loopwatch.detection.timing.in_flight import RequestInFlight

REMEMBERED = 16
SHORTEST_HOLD_S = 0.01
LEAST = 0.2
"""A holder has used a CPU for at least this share of the time. It may have had to wait for one, too."""
MOSTLY = 0.6
"""A holder has used at least this share of what all threads used."""
CERTAIN = 0.8
"""A holder is certain if it used a CPU for this share of the time, and the other threads for less than the rest."""
RUNNING = 0.5
"""A thread that uses a CPU for this share of the time while the watchdog has the GIL runs without it."""
LOOKS = 3
"""A holder may still be on its way to sleep, or have got the GIL back while a look collected garbage."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A stretch of time in which one thread kept the GIL.

    ``sites`` is where the thread stood afterwards, innermost first, and ``request`` what it worked for. If the hold
    ``is_seen``, the lookout has read the sites while it lasted.
    """

    since: float
    until: float
    thread_id: int
    sites: tuple[Site, ...]
    is_certain: bool
    request: RequestInFlight | None = None
    is_seen: bool = False

    def shared_s(self, started: float, ended: float) -> float:
        """Return the seconds that the hold has in common with another stretch of time."""
        return max(0.0, min(self.until, ended) - max(self.since, started))


class GilHolds:
    """The latest holds. Only the watchdog's thread uses it.

    Where the lookout has seen a thread keep the GIL, it decides who that was, or at least whether that is certain.
    """

    def __init__(self, cpu: ThreadCpu, lookout: Lookout) -> None:
        self.cpu = cpu
        self._lookout = lookout
        self._latest: deque[Hold] = deque(maxlen=REMEMBERED)
        self._looked_at = 0.0

    def has_waited(self, asked_at: float) -> bool:
        """Return whether a thread kept the GIL for long since the watchdog asked for it, and that is not known yet."""
        waited_s = now() - max(asked_at, self._looked_at)
        return waited_s >= sys.getswitchinterval() + SHORTEST_HOLD_S and is_gil_enabled()

    def look(self, since: float, until: float) -> Hold | None:
        """Look for the thread that kept the GIL between two moments, the second of which has just been."""
        if not is_gil_enabled():  # threads run while they are looked at
            return None
        self._looked_at = now()
        use = self.cpu.use()
        self._lookout.read()
        hold = self._seen(use, since, until)
        if hold is not None:
            self._latest.append(hold)
            return hold
        found = holder_of(use, since, until, threading.get_ident())
        if found is None:
            return None
        thread_id, is_certain = found
        stood = next(filter(None, (_where_it_waits(thread_id) for _ in range(LOOKS))), None)
        if stood is None:
            return None
        sites, request = stood
        keeper = keeper_of(self._lookout.looks, since, until)
        if keeper is not None:
            is_certain = keeper == native_id_of(thread_id)
        began = max(use.since, min(since, until - use.by_thread[thread_id]))
        hold = Hold(began, until, thread_id, sites, is_certain, request)
        self._latest.append(hold)
        return hold

    def _seen(self, use: CpuUse, since: float, until: float) -> Hold | None:
        """Return the hold of a thread that the lookout has seen at one place for most of the time, if there is one."""
        longest = max(tuple(self._lookout.looks), key=lambda look: look.shared_s(since, until), default=None)
        if longest is None or longest.shared_s(since, until) <= (until - since) / 2:
            return None
        thread_id = thread_id_of(longest.thread_id)
        if thread_id == ENDED and sites_of(longest):  # it may have run the loop
            return None
        stood = None if thread_id == ENDED else _where_it_waits(thread_id)
        seen, request = ((), None) if stood is None else stood
        sites = sites_of(longest, seen, in_step=False)
        if not sites:
            return None
        began = max(use.since, min(since, until - use.by_thread.get(thread_id, 0.0)))
        return Hold(began, until, thread_id, sites, is_certain=True, request=request, is_seen=True)

    def within(self, thread_id: int, started: float, ended: float) -> Hold | None:
        """Return the hold by another thread that explains most of a stretch of time, if one explains half of it."""
        others = [hold for hold in self._latest if hold.thread_id != thread_id]
        longest = max(others, key=lambda hold: hold.shared_s(started, ended), default=None)
        if longest is None or longest.shared_s(started, ended) < (ended - started) / 2:
            return None
        return longest


def _where_it_waits(thread_id: int) -> tuple[tuple[Site, ...], RequestInFlight | None] | None:
    """Return where a thread stands, and what it works for; ``None`` if it has ended, or ran while it was looked at."""
    began, used_s = now(), thread_cpu_s(thread_id)
    stack = stack_of(thread_id, RENDERS_NODE, TAKES_WORK)
    sites = sites_on(stack._replace(outermost=None))
    request = request_of_thread(thread_id, stack.outermost)
    used_later_s, looked_s = thread_cpu_s(thread_id), now() - began
    if not sites or used_s is None or used_later_s is None or used_later_s - used_s >= RUNNING * looked_s:
        return None
    return sites, request


def holder_of(use: CpuUse, since: float, until: float, watchdog: int) -> tuple[int, bool] | None:
    """Return the thread that kept the GIL, and whether that is certain; ``None`` if it is unknown.

    The readings may be older than ``since``. What other threads used before makes the holder uncertain.
    """
    used_s = {thread_id: seconds for thread_id, seconds in use.by_thread.items() if thread_id != watchdog}
    thread_id = max(used_s, key=lambda each: used_s[each], default=None)
    if thread_id is None:
        return None
    lasted_s, total_s = until - since, sum(used_s.values())
    longest_s = used_s[thread_id]
    if longest_s < max(LEAST * lasted_s, MOSTLY * total_s):
        return None
    is_certain = longest_s >= CERTAIN * lasted_s and total_s - longest_s <= (1 - CERTAIN) * lasted_s
    return thread_id, is_certain
