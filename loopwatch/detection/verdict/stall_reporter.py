"""Reports each stall to the subscribers whose threshold it reached. Runs on the watchdog's thread."""

from collections.abc import Callable, Iterable
from functools import partial
from types import CodeType

from loopwatch.detection.calls import TRACING, BlockingCall, Cause
from loopwatch.detection.machine.clock import utc_of
from loopwatch.detection.sampling.failures import Failures
from loopwatch.detection.sampling.gc_pauses import GcPauses
from loopwatch.detection.sampling.observation import Observation
from loopwatch.detection.sampling.settling import SeenPause
from loopwatch.detection.timing.backlog import Backlog
from loopwatch.detection.timing.loop_clock import PauseBetweenSteps, Stall
from loopwatch.detection.timing.steps import StallSubscriber
from loopwatch.detection.verdict.blocking_call import (
    blocking_call,
    explain_stall,
    unexamined_call,
    unless_it_raises,
)
from loopwatch.detection.verdict.debuggers import is_being_debugged
from loopwatch.detection.verdict.finalizers import without_finalizers
from loopwatch.detection.verdict.held_reports import HeldReports
from loopwatch.detection.verdict.holders import with_holder
from loopwatch.detection.verdict.pauses import pause_between_steps
from loopwatch.detection.verdict.step_name import kind_of_step
from loopwatch.detection.verdict.usual_culprits import UsualCulprits
from loopwatch.detection.verdict.usual_steps import UsualSteps


class StallReporter:
    """Makes one ``BlockingCall`` for all subscribers that saw the same part of a stall with the same engine.

    ``time_again`` is called with code whose untimed calls took long. A subscriber that fails is noted in ``failures``,
    and the others get their reports.
    """

    def __init__(self, gc_pauses: GcPauses, time_again: Callable[[Iterable[CodeType]], object]) -> None:
        self._gc_pauses = gc_pauses
        self._time_again = time_again
        self._usual, self._usual_steps = UsualCulprits(), UsualSteps()
        self.failures = Failures()
        self._held = HeldReports(self.failures)

    @property
    def is_holding(self) -> bool:
        return bool(self._held)

    def report(self, stall: Stall, observation: Observation, ongoing: bool) -> None:
        """Report a stall. One that is ``ongoing`` is reported again when it has ended."""
        if ongoing:
            self._held.release()  # the loop may never catch up
        is_ending = observation.was_reported and not ongoing
        if not is_ending and is_being_debugged(observation.samples):
            return
        observation.was_reported = True
        reports: dict[tuple[str, float], BlockingCall] = {}
        for subscriber in stall.subscribers:
            started = max(stall.step_started, subscriber.entered)
            if stall.ended - started < (subscriber.ongoing_after_s if ongoing else subscriber.threshold_s):
                continue
            with self.failures.contained():
                engine = TRACING if stall.is_for_request else subscriber.engine
                key = engine, started
                if key not in reports:
                    reports[key] = self._call(stall, observation, started, engine, ongoing=ongoing)
                if subscriber.counts_kept_out and stall.backlog is not None:
                    self._held.hold(stall.backlog, subscriber, reports[key])
                else:
                    subscriber.receive(reports[key])

    def report_pause(self, pause: PauseBetweenSteps, seen: SeenPause) -> None:
        """Report a pause between steps to the subscribers whose thresholds it reached."""
        for subscriber in pause.subscribers:
            started = max(pause.since, subscriber.entered)
            if pause.until - started >= subscriber.threshold_s:
                with self.failures.contained():
                    subscriber.receive(self._pause(pause, seen, started, subscriber))

    def drop(self, stall: Stall) -> None:
        """Have the subscribers whose threshold a stall reached count it, which is far quicker than a report."""
        for subscriber in stall.subscribers:
            if stall.ended - max(stall.step_started, subscriber.entered) >= subscriber.threshold_s:
                subscriber.calls_dropped += 1

    def release(self, backlog: Backlog | None = None) -> None:
        """Give out the reports held back for a backlog that is closed; without one, all of them."""
        self._held.release(backlog)

    def _call(
        self, stall: Stall, observation: Observation, started: float, engine: str, *, ongoing: bool
    ) -> BlockingCall:
        started_at = utc_of(started)
        if observation.is_unexamined:
            call = unexamined_call(stall, observation, started, started_at=started_at, engine=engine)
            return self._usual_steps.joined(_kind_of(stall, call), call)
        pauses = self._gc_pauses.within(stall.clock.thread_id, started, stall.ended)
        collecting = without_finalizers(pauses, observation.samples, observation.step_started, stall.ended)
        explained = explain_stall(stall, observation, started, engine, collecting)
        call = blocking_call(
            stall,
            observation,
            started,
            explained,
            started_at=started_at,
            collecting=collecting,
            engine=engine,
            ongoing=ongoing,
            times_named=self._usual.times_named,
        )
        if call.cause is Cause.STARVED:
            collection = self._gc_pauses.by_another_thread(stall.clock.thread_id, started, stall.ended)
            return with_holder(call, observation.hold, collection)
        if call.cause.is_machine or ongoing:
            return call
        self._time_again(explained.untimed_callees)
        kind = _kind_of(stall, call)
        self._usual.note(call)
        self._usual_steps.note(kind, call)
        call = self._usual.likely(call) if not call.exact and observation.is_contested else call
        # Several samples of the function's own code, or one that came in time, show what took long.
        is_unseen = not observation.samples or (observation.is_contested and len(observation.samples) == 1)
        return self._usual_steps.joined(kind, call) if is_unseen else call

    def _pause(
        self, pause: PauseBetweenSteps, seen: SeenPause, started: float, subscriber: StallSubscriber
    ) -> BlockingCall:
        thread_id, until = pause.clock.thread_id, pause.until
        collection = self._gc_pauses.by_another_thread(thread_id, started, until)
        call = pause_between_steps(
            pause,
            started,
            stall_id=seen.stall_id,
            before=seen.before,
            suspended_s=seen.suspended_s,
            collecting_s=self._gc_pauses.within(thread_id, started, until).own_s(started, until),
            is_held=seen.hold is not None or collection is not None,
            threshold_s=subscriber.threshold_s,
            started_at=utc_of(started),
            engine=subscriber.engine,
        )
        return with_holder(call, seen.hold, collection) if call.cause is Cause.STARVED else call


def _kind_of(stall: Stall, call: BlockingCall) -> str:
    return unless_it_raises(partial(kind_of_step, stall.handle, call.request), "")
