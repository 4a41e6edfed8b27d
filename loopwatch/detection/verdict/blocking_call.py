"""Makes a ``BlockingCall`` from a stall and its samples. Runs on the watchdog's thread."""

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypedDict, TypeVar

from loopwatch.detection.calls import TRACING, BlockingCall, Cause, Request, StackSample
from loopwatch.detection.cpython import source
from loopwatch.detection.cpython.free_threading import is_gil_enabled
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.sampling.gc_pauses import Collecting
from loopwatch.detection.sampling.observation import Observation
from loopwatch.detection.sampling.sample import Sample
from loopwatch.detection.timing.loop_clock import Stall
from loopwatch.detection.timing.steps import AnyHandle, task_of
from loopwatch.detection.timing.trace import Trace
from loopwatch.detection.verdict.attribution import (
    Path,
    SeenStack,
    asks_for_collection,
    is_import,
    paths_of,
)
from loopwatch.detection.verdict.calls_seen import calls_seen, detail_calls_seen
from loopwatch.detection.verdict.causes import (
    cause_of,
    cause_unseen,
    is_its_own,
    machine_cause,
    waiting_or_computing,
    was_throttled,
)
from loopwatch.detection.verdict.contributions import AUTOMATIC_COLLECTION, beside_collection, contributions_of
from loopwatch.detection.verdict.culprit import Culprit, TimesNamed, culprit_of
from loopwatch.detection.verdict.explanation import Explanation, explain_by_trace
from loopwatch.detection.verdict.stack_frames import frames_of, threads_of
from loopwatch.detection.verdict.step_name import (
    UNNAMED,
    StepName,
    is_program,
    name_by_place,
    name_of_request,
    name_of_step,
)
from loopwatch.detection.verdict.thread_states import (
    computed,
    delayed_shares,
    is_starved,
    states_of,
)

MAX_STACK_SAMPLES = 20
ABOUT_THRESHOLD = 1 / 2
"""A call that was named before keeps its finding from this share of the threshold on, if collections add the rest."""
Answer = TypeVar("Answer")


def explain_stall(
    stall: Stall, observation: Observation, started: float, engine: str, collecting: Collecting
) -> Explanation:
    """Return where the time from ``started`` on went, as far as the engine knows."""
    samples, states = _with_states(observation, observation.samples)
    if end := _unseen_end(observation, stall):
        and_end, and_its_state = _with_states(observation, [*samples, end])
        # If the machine did not hold it up, the last sample covers it, and it says whether the thread slept there.
        is_machine = and_its_state[-1].is_machine
        samples, states = (and_end, and_its_state) if is_machine else (samples, and_its_state[:-1])
    paths = paths_of(samples, states, started, stall.ended, collecting)
    if engine != TRACING:
        shares = delayed_shares(samples, states, observation.step_started, observation.before, stall.cpu)
        delayed = {id(sample): share for sample, share in zip(samples, shares, strict=True)}
        return Explanation([replace(path, delayed=delayed[id(path.sample)]) for path in paths])
    trace = stall.trace or Trace()
    readings = (observation.before, *(sample.cpu for sample in observation.samples))
    return explain_by_trace(trace, paths, readings, started, stall.ended, collecting.own)


def _with_states(observation: Observation, samples: list[Sample]) -> tuple[list[Sample], list[Cause]]:
    return samples, states_of(samples, observation.step_started, observation.before)


def _unseen_end(observation: Observation, stall: Stall) -> Sample | None:
    """Return a sample of the step's end, if the watchdog was due to look but did not get the GIL."""
    late_s = stall.ended - observation.unseen_since
    if not observation.samples or late_s < sys.getswitchinterval() or not is_gil_enabled():
        return None
    delayed_s, turns = observation.unseen_turns or (0.0, None)
    return replace(
        observation.samples[-1],
        due_at=observation.unseen_since,
        requested_at=observation.unseen_since,
        taken_at=stall.ended,
        cpu=stall.cpu,
        gil_wait=GilWait.SHARED,
        delayed_s=delayed_s,
        turns=turns,
    )


def unexamined_call(
    stall: Stall, observation: Observation, started: float, *, started_at: datetime, engine: str
) -> BlockingCall:
    """Report a stall that the watchdog could not look at. Only its duration is known, so the machine is not blamed."""
    common = _Common(stall, observation, started_at, (stall.ended - started) * 1000, engine, {}, ongoing=False)
    return common.without_culprit(Cause.COMPUTING if computed(stall.cpu, observation.before) else Cause.WAITING)


def blocking_call(
    stall: Stall,
    observation: Observation,
    started: float,
    explained: Explanation,
    *,
    started_at: datetime,
    collecting: Collecting,
    engine: str,
    ongoing: bool,
    times_named: TimesNamed,
) -> BlockingCall:
    """Report the part of the stall from ``started`` on: the whole step, or what a ``watch()`` block saw of it.

    ``started_at`` is ``started`` as a date; ``collecting`` are the garbage collector's pauses in that part, and
    ``times_named`` says how often a call was named before.
    """
    paths = explained.paths
    culprit = culprit_of(paths, times_named)
    step_ms = (stall.ended - started) * 1000
    common = _Common(stall, observation, started_at, step_ms, engine, explained.counts, ongoing=ongoing)
    if culprit is None:
        cause = cause_unseen(stall, observation, started, collecting)
        if paths and cause is not Cause.STARVED:
            cause = waiting_or_computing(paths)
        call = common.without_culprit(machine_cause(paths, stall.threshold_s) or cause)
    else:
        call = common.in_view(common.with_culprit(culprit, paths), culprit, paths)
        call = replace(call, cause=machine_cause(paths, stall.threshold_s) or call.cause)
    if call.cause is Cause.COMPUTING and is_gil_enabled() and is_starved(stall.cpu, observation.before, step_ms / 1000):
        call = replace(call, cause=Cause.STARVED)  # after the last sample, which shows code of the step
    automatic_s = 0.0 if asks_for_collection(paths) else collecting.own_s(started, stall.ended)
    is_usual = times_named(call.function, call.called_name) > 0
    call = _with_collections(call, common, culprit, automatic_s, paths, is_usual=is_usual)
    if not call.cause.is_machine and not is_its_own(stall, observation, started):
        call = replace(call, cause=Cause.SUSPENDED)
    is_throttled = call.cause.is_machine and was_throttled(call.cause, stall, observation, started)
    cause = Cause.THROTTLED if is_throttled else call.cause
    return replace(call, cause=cause, throttled_periods=observation.throttled.periods)


class _Place(TypedDict):
    filename: str
    lineno: int
    source: str


class _Common:
    """Holds what every report of a stall says, with or without a culprit."""

    def __init__(
        self,
        stall: Stall,
        observation: Observation,
        started_at: datetime,
        step_ms: float,
        engine: str,
        counts: Mapping[object, int],
        *,
        ongoing: bool,
    ) -> None:
        self.stall = stall
        self.engine = engine
        self.counts = counts
        self.step_ms = step_ms
        self.stall_id = observation.stall_id
        self.otel_span = observation.otel_span
        self.ongoing = ongoing
        self.other_threads = threads_of(observation.other_threads)
        self.request = unless_it_raises(partial(_request, stall, observation.context), None)
        self.delayed = tuple(filter(None, (unless_it_raises(each.describe, None) for each in stall.delayed)))
        self.started_at = started_at

    def with_culprit(self, culprit: Culprit, paths: Sequence[Path]) -> BlockingCall:
        path = culprit.heaviest
        site = path.nodes[culprit.depth_on(path)].site
        span = source.span_at(site.code, site.offset)
        if not culprit.is_call and not (path.sample.is_seen and site is path.sample.sites[0]):
            span = span._replace(end_lineno=span.lineno, column=0, end_column=0)  # it is the function's self time
        filename = site.code.co_filename
        contributions = contributions_of(paths, self.counts)
        return self._call(
            method_name=culprit.node.name,
            duration_ms=culprit.weight_s * 1000,
            is_c_call=culprit.node.is_c,
            filename=filename,
            lineno=span.lineno,
            source=source.text_of(filename, span),
            function=culprit.function.name,
            stack=frames_of(path.sample.sites),
            exact=culprit.is_exact,
            cause=cause_of(culprit),
            called_name=culprit.called.name,
            leaf_name=path.nodes[-1].name,
            samples=_stack_samples(culprit, paths),
            contributions=contributions,
            other_place=culprit.other_place(paths),
            calls_seen=calls_seen(culprit, paths, self.counts),
        )

    def in_view(self, call: BlockingCall, culprit: Culprit, paths: Sequence[Path]) -> BlockingCall:
        """Name the resolver, view, consumer or route where no in-app code was running: it called nothing.

        The place is the line of the template that was rendered, if the template is the site's.
        An import keeps its name: whichever view comes first imports what all of them use.
        """
        served_by = None if culprit.is_in_app else self._served_by(culprit)
        if served_by is None:
            return call
        called_name = call.method_name if is_import(culprit.node) else ""
        place = served_by
        if template := next((frame for frame in reversed(call.stack) if frame.is_in_app and not frame.module), None):
            place = replace(served_by, filename=template.filename, lineno=template.lineno)
        seen = detail_calls_seen(culprit, paths, self.counts)
        return replace(call, function=served_by.name, called_name=called_name, calls_seen=seen, **_place(place))

    def _served_by(self, culprit: Culprit) -> StepName | None:
        resolver = next((site.resolver for site in culprit.heaviest.sample.sites if site.resolver), "")
        if not resolver and is_program(self.request):
            return None
        ask = partial(name_by_place, resolver) if resolver else partial(name_of_request, self.request)
        return unless_it_raises(ask, None)

    def without_culprit(self, cause: Cause) -> BlockingCall:
        """Name the step itself, because only plumbing was seen, or nothing at all."""
        ask = partial(name_of_step, self.stall.handle, self.request)
        step = unless_it_raises(ask, StepName(UNNAMED))
        return self._call(
            method_name=step.name,
            duration_ms=self.step_ms,
            is_c_call=step.is_c,
            **_place(step),
            function=step.name,
            stack=(),
            exact=step.is_c,
            cause=cause,
            called_name=step.name,
            leaf_name=step.name,
            samples=(),
            contributions=(),
        )

    def of_garbage_collection(self, culprit: Culprit | None, collecting_s: float) -> BlockingCall:
        """Report automatic collections. Which code they interrupt is chance, so the step is named."""
        call = self.without_culprit(Cause.GARBAGE_COLLECTION)
        return replace(
            call,
            method_name=AUTOMATIC_COLLECTION,
            called_name=AUTOMATIC_COLLECTION,
            duration_ms=collecting_s * 1000,
            is_c_call=True,
            exact=True,
            stack=() if culprit is None else frames_of(culprit.heaviest.sample.sites),
            leaf_name=AUTOMATIC_COLLECTION,
        )

    def _call(self, **found: object) -> BlockingCall:
        return BlockingCall(
            stall_id=self.stall_id,
            step_ms=self.step_ms,
            task_name=unless_it_raises(partial(_task_name, self.stall.handle), ""),
            engine=self.engine,
            started_at=self.started_at,
            request=self.request,
            waiting=self.stall.waiting,
            delayed=self.delayed,
            otel_span=self.otel_span,
            ongoing=self.ongoing,
            other_threads=self.other_threads,
            **found,  # type: ignore[arg-type]
        )


def _place(step: StepName) -> _Place:
    text = source.text_of(step.filename, source.Span(step.lineno, step.lineno, 0, 0))
    return {"filename": step.filename, "lineno": step.lineno, "source": text}


def _with_collections(
    call: BlockingCall,
    common: _Common,
    culprit: Culprit | None,
    automatic_s: float,
    paths: Sequence[Path],
    *,
    is_usual: bool,
) -> BlockingCall:
    """Return the call, or the automatic collections of the step if only they made it slow.

    A collection keeps the GIL, so being starved cannot have prolonged it, unlike waiting for a CPU. A call that also
    blocks without collections keeps its finding while it takes at least half of the threshold.
    """
    threshold_s = common.stall.threshold_s
    others_s = common.step_ms / 1000 - automatic_s
    slow_s = ABOUT_THRESHOLD * threshold_s if is_usual else threshold_s
    if automatic_s > others_s and (others_s < slow_s or call.cause is Cause.STARVED):
        return common.of_garbage_collection(culprit, automatic_s)
    if automatic_s < threshold_s:
        return call
    net = [replace(path, weight_s=path.uncollected_s) for path in paths if path.collecting < 1]
    others = contributions_of(net, common.counts)
    return replace(call, contributions=beside_collection(others, automatic_s))


def _stack_samples(culprit: Culprit, paths: Sequence[Path]) -> tuple[StackSample, ...]:
    """Return each stack seen with its total time: the culprit's first, then the heaviest."""
    weights: dict[object, float] = defaultdict(float)
    by_sites: dict[object, SeenStack] = {}
    for path in paths:
        by_sites.setdefault(path.sample.sites, path.sample)
        weights[path.sample.sites] += path.weight_s
    first = culprit.heaviest.sample.sites
    keys = sorted(weights, key=lambda key: (key != first, -weights[key]))[:MAX_STACK_SAMPLES]
    return tuple(StackSample(weights[key] * 1000, frames_of(by_sites[key].sites)) for key in keys)


def _task_name(handle: AnyHandle) -> str:
    task = task_of(getattr(handle, "_callback", None))
    return "" if task is None else str(task.get_name())


def _request(stall: Stall, context: Context | None) -> Request | None:
    request = stall.request
    if request is None or request.finished_at <= stall.step_started:
        return None
    return request.describe(context)


def unless_it_raises(ask: Callable[[], Answer], otherwise: Answer) -> Answer:
    """Return the answer, or ``otherwise`` if the site's objects raise, because the report must not be lost."""
    try:
        return ask()
    except BaseException:  # noqa: BLE001 - an attribute may raise ``SystemExit``, which ends no thread but its own
        return otherwise
