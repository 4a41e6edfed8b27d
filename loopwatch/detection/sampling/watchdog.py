"""The watchdog: a thread that samples a loop's stack while its step is overdue, and settles the stalls.

It looks at a loop now and then while steps run, so that no step is overdue for long. While the loop rests it parks, and
the first step that follows wakes it.
"""

import threading
from collections import deque
from collections.abc import Iterable

from loopwatch.detection.joining import joined
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.lookout.lookout import Lookout
from loopwatch.detection.machine.clock import NEVER, now, own_time
from loopwatch.detection.machine.cpu_clocks import RunDelay, cpu_clock_id, process_s
from loopwatch.detection.machine.suspensions import Suspensions
from loopwatch.detection.machine.thread_cpu import ThreadCpu
from loopwatch.detection.machine.throttling import Throttling, limits_of_this_process
from loopwatch.detection.sampling.cpu_budget import PAUSE_S, CpuBudget, WatchdogFigures
from loopwatch.detection.sampling.gil_holds import GilHolds
from loopwatch.detection.sampling.observations import Observations
from loopwatch.detection.sampling.sampler import Sampler
from loopwatch.detection.sampling.settling import INBOX_HOLDS, Marker, Settler, StallReports
from loopwatch.detection.timing.backlog import Backlog
from loopwatch.detection.timing.loop_clock import LoopClock, PauseBetweenSteps, Stall

logger = logger_of()

LONGEST_REST_S = 3600.0
ASKS_EVERY_S = 1.0
PAUSE_AFTER_FAILURE_S = 1.0
READY_WITHIN_S = 1.0
WORK_S = 0.001
"""For how long stalls are settled before other threads may have the GIL."""
BEHIND_FROM = 100
"""With more items than this in the inbox, the watchdog only counts stalls, because it was too late to sample them."""


class Watchdog:
    """Passes every stall to ``reports`` on its own thread, in the order in which they ended."""

    def __init__(self, reports: StallReports) -> None:
        self.lookout = Lookout()
        self._inbox: deque[Stall | Backlog | PauseBetweenSteps | Marker] = deque()
        self._budget = CpuBudget()
        self._suspensions = Suspensions(now(), process_s())
        self._throttling = Throttling()
        self._observations = Observations()
        self._holds = GilHolds(ThreadCpu(), self.lookout)
        self._failures = reports.failures
        machine = self._suspensions, self._throttling
        self._settler = Settler(
            reports, self._inbox, self._observations, self._budget, *machine, self.lookout, self._holds
        )
        self._sampler = Sampler(self._observations, self._settler, *machine, self._holds)
        self._wakeup = threading.Lock()
        self._wakeup.acquire()
        self._lookout_wanted: tuple[float, str | None] | None = None
        self._woken_at = self._started_at = 0.0
        self._cpu_clock_id: int | None = None
        self._is_ready = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="loopwatch-watchdog", daemon=True)

    def start(self) -> None:
        """Start the thread, and wait until it is ready.

        It reads files first, each of which releases the GIL. In competition with the first step, taking it back every
        time could last until that step is over.
        """
        self._started_at = now()
        self._thread.start()
        self._is_ready.wait(READY_WITHIN_S)

    def stop(self) -> None:
        """Settle the stalls handed over, end the thread and wait for its end, unless it is the calling one.

        A report may wait forever, for instance in URL patterns of the site. Then the thread is left behind.
        """
        self._is_stopping = True
        self.wake()
        if threading.current_thread() is not self._thread and not joined(self._thread):
            logger.error("The watchdog's thread does not end and is left behind; reports may be missing")

    def cpu_s(self) -> float:
        """Return the CPU seconds that the thread has used; 0 if unknown. From any thread."""
        try:
            return 0.0 if self._cpu_clock_id is None else own_time.clock_gettime(self._cpu_clock_id)
        except OSError:  # the thread has ended
            return 0.0

    @property
    def figures(self) -> WatchdogFigures:
        """The figures since the thread started. From any thread."""
        return WatchdogFigures(
            self.cpu_s(), self._failures.count, self._settler.unexamined, self.lookout.state, self.lookout.torn
        )

    def watch(self, clocks: Iterable[LoopClock]) -> None:
        self._sampler.watch(clocks)
        self.wake()

    def use_lookout(self, tells_after_s: float, hold_folder: str | None) -> None:
        """Start the lookout, if that is possible here, on the watchdog's thread. From any thread."""
        self.lookout.announce()
        self._lookout_wanted = tells_after_s, hold_folder
        self.wake()

    def wake(self) -> None:
        # A free lock, which ``release`` would raise for, means that the watchdog is awake or about to be.
        if self._wakeup.locked():
            self._woken_at = woken_at = now()
            self.lookout.expect(woken_at)
            try:  # noqa: SIM105 - ``suppress`` costs the loop's thread more than all the rest
                self._wakeup.release()
            except RuntimeError:
                pass

    def hand_over(self, item: Stall | Backlog | PauseBetweenSteps) -> None:
        self._inbox.append(item)
        self.wake()

    @property
    def is_behind(self) -> bool:
        return self._settler.is_behind

    def settled(self, timeout_s: float, *, releases: bool) -> bool:
        """Wait until every stall handed over so far is settled. From any thread but the watchdog's own.

        If it ``releases`` them, reports that are held back for their backlogs are given out too.
        """
        marker = Marker(threading.Event(), releases=releases)
        self._inbox.append(marker)
        self.wake()
        return marker.settled.wait(timeout_s)

    def _run(self) -> None:
        try:
            self._cpu_clock_id = cpu_clock_id(threading.get_ident())
            self._observations.watchdog_delay = self._suspensions.run_delay = RunDelay(threading.get_native_id())
            self._throttling.begin(limits_of_this_process())
        finally:
            self._is_ready.set()
        look_at: float | None = now()
        asked_at = self._started_at  # another thread may have kept the GIL since
        while not self._is_stopping:
            try:
                if self._lookout_wanted is not None:
                    self._start_lookout(*self._lookout_wanted)
                if self._must_save:
                    look_at = asked_at = self._save()
                    continue
                if look_at is None or look_at > now():
                    asked_at = self._rest(look_at)
                else:
                    self._settler.due_at = look_at
                look_at = self._look(asked_at)
            except BaseException as error:  # noqa: BLE001 - the watchdog must go on
                self._failures.note(error)
                self._wakeup.acquire(timeout=PAUSE_AFTER_FAILURE_S)
        is_left = True
        while is_left:
            with self._failures.contained():  # ``stop`` and ``settled`` wait for what is left
                is_left = self._settler.settle_next()
        self._settler.release_all()
        self.lookout.stop()

    def _start_lookout(self, tells_after_s: float, hold_folder: str | None) -> None:
        self._lookout_wanted = None
        self.lookout.start(threading.get_native_id(), tells_after_s, hold_folder)

    def _rest(self, look_at: float | None) -> float:
        """Rest until ``look_at`` or until woken, and on while all steps are quick. Returns when the rest was to end."""
        while True:
            self._sampler.read_clocks()
            is_woken = self._park() if look_at is None else self._wait_until(look_at)
            self.lookout.expect(now())
            asked_at = self._woken_at if is_woken or look_at is None else look_at
            self._settler.due_at = due_at = asked_at if look_at is None else min(asked_at, look_at)
            needs_look = is_woken or self._observations or self._holds.has_waited(asked_at)
            look_at = None if needs_look else self._sampler.glance()
            if look_at is None:
                self._suspensions.wakes(due_at, now(), process_s())
                return asked_at
            self._suspensions.rested(due_at)

    def _park(self) -> bool:
        """Wait until woken. Returns true.

        A thread may keep the GIL while all loops rest. The lookout looks only while the watchdog asks for the GIL, so
        the watchdog does that once a second.
        """
        while True:
            is_looking_out = self.lookout.is_running
            self.lookout.expect(now() + ASKS_EVERY_S if is_looking_out else NEVER)
            if self._wakeup.acquire(timeout=ASKS_EVERY_S if is_looking_out else -1):
                return True

    def _wait_until(self, look_at: float) -> bool:
        """Wait until then, or until woken. Returns whether woken."""
        self.lookout.expect(look_at)
        # A loop whose last subscriber has just left has no threshold, so ``look_at`` may be infinite.
        return self._wakeup.acquire(timeout=min(max(0.0, look_at - now()), LONGEST_REST_S))

    def _look(self, asked_at: float) -> float | None:
        """Sample and settle until no stall is left. Returns when to look again, or ``None`` if all loops rest."""
        # Samples come before anything that might release the GIL, because the call that they are to show may be about
        # to end. They come again after every stall settled, because another call may have kept the GIL meanwhile.
        pause_at = now() + WORK_S
        while True:
            self._sampler.sample_overdue_steps(asked_at)
            self._sampler.note_wait(asked_at)
            if not self._settler.settle_next() or self._must_save:
                break
            if self._inbox and now() >= pause_at:
                asked_at = self._pause()
                pause_at = now() + WORK_S
        self._sampler.forget_past_steps()
        self.lookout.note_stall(self._observations.oldest_serving_step)
        return self._sampler.next_look()

    def _pause(self) -> float:
        """Let other threads have the GIL between two stalls. Returns when the pause was to end."""
        self._sampler.read_clocks()
        self._settler.busy_until = asked_at = now() + PAUSE_S
        own_time.sleep(PAUSE_S)
        self._suspensions.rested(asked_at)
        return asked_at

    @property
    def _must_save(self) -> bool:
        return self._budget.is_spent() or len(self._inbox) > BEHIND_FROM

    def _save(self) -> float:
        """Leave the loops alone for a while, and only count the stalls handed over meanwhile. Returns when it ends."""
        self.lookout.expect(NEVER)
        self._budget.save()
        self._suspensions.rested(now())
        while self._inbox:
            pause_at = now() + WORK_S
            while (now() < pause_at or len(self._inbox) > INBOX_HOLDS) and self._settler.settle_next():
                pass
            self._budget.pause()
        self._sampler.read_clocks()
        self._settler.due_at = self._settler.busy_until = now()
        self.lookout.expect(self._settler.due_at)
        return self._settler.due_at
