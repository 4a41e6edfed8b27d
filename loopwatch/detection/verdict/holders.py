"""Reports the thread that kept the GIL from a loop, as a ``BlockingCall`` whose cause is ``GIL_HELD``.

The call is named as the loop's own would be, from the stack of that thread.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from loopwatch.detection.calls import BlockingCall, Cause, StackSample
from loopwatch.detection.cpython import source
from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.sampling.gc_pauses import Pause
from loopwatch.detection.sampling.gil_holds import Hold
from loopwatch.detection.sampling.other_threads import is_own
from loopwatch.detection.verdict.attribution import GC_COLLECT, Path, seen_path
from loopwatch.detection.verdict.blocking_call import unless_it_raises
from loopwatch.detection.verdict.contributions import AUTOMATIC_COLLECTION
from loopwatch.detection.verdict.culprit import Culprit, culprit_of
from loopwatch.detection.verdict.stack_frames import frames_of

_WAITS = frozenset({"time.sleep", "select.select", "select.poll.poll", "select.epoll.poll", "threading.Lock.acquire"})
"""Calls that release the GIL. A thread that stands there has gone on since it kept the GIL."""
_STARTS_THREADS = frozenset({"threading", "concurrent.futures.thread"})
_WAITS_FOR_THREADS = frozenset({"threading", "queue"})


def with_holder(call: BlockingCall, hold: Hold | None, collection: Pause | None) -> BlockingCall:
    """Add to a starved stall or pause who kept the GIL meanwhile, as far as that is known.

    A thread of loopwatch is not named: its calls are no findings of the site.
    """
    if collection is not None:
        hold = _hold_by(collection)
    if hold is not None and is_own(site.module for site in reversed(hold.sites)):
        hold = None
    holder = None if hold is None else _named(call, hold)
    if collection is not None:
        holder = _collecting(call, holder)
    if holder is None:
        return call
    samples = (StackSample(call.step_ms, holder.stack),) if holder.stack else ()
    in_flight = None if hold is None else hold.request
    request = None if in_flight is None else unless_it_raises(in_flight.describe, None)
    return replace(call, held_by=_delaying_others(replace(holder, samples=samples, request=request)))


def _hold_by(collection: Pause) -> Hold | None:
    """Return a collection as the hold of its thread: the watchdog may look only after the thread has gone on."""
    if not collection.sites:
        return None
    span, thread = (collection.started, collection.ended), collection.thread_id
    return Hold(*span, thread, collection.sites, is_certain=True, request=collection.request)


def _delaying_others(holder: BlockingCall) -> BlockingCall:
    """Leave out the request that the thread worked for: the pause did not delay it."""
    delayed = list(holder.delayed)
    if holder.request not in delayed:
        return holder
    delayed.remove(holder.request)
    return replace(holder, delayed=tuple(delayed), waiting=holder.waiting - 1)


def _gil_wait(hold: Hold) -> GilWait:
    if hold.is_seen:
        return GilWait.SEEN
    return GilWait.LONG if hold.is_certain else GilWait.CONTESTED


def _named(call: BlockingCall, hold: Hold) -> BlockingCall | None:
    sites, gil_wait = without_start(hold.sites), _gil_wait(hold)
    if sites[0].callee is not None and sites[0].callee.name in _WAITS:
        sites, gil_wait = without_wait(sites), GilWait.SHARED
        sites = (replace(sites[0], callee=None), *sites[1:])
    path = seen_path(sites, gil_wait, call.step_ms / 1000)
    culprit = culprit_of([path])
    return None if culprit is None else named(_empty(call), culprit, path)


def named(call: BlockingCall, culprit: Culprit, path: Path) -> BlockingCall:
    """Return the report with the names and the place of the culprit, which is the only one on its path."""
    site = path.nodes[culprit.depth_on(path)].site
    span = source.span_at(site.code, site.offset)
    if not culprit.is_call and not (path.sample.is_seen and site is path.sample.sites[0]):
        span = span._replace(end_lineno=span.lineno, column=0, end_column=0)  # it is the function's self time
    return replace(
        call,
        method_name=culprit.node.name,
        called_name=culprit.called.name,
        leaf_name=path.nodes[-1].name,
        function=culprit.function.name,
        is_c_call=culprit.node.is_c,
        filename=site.code.co_filename,
        lineno=span.lineno,
        source=source.text_of(site.code.co_filename, span),
        stack=frames_of(path.sample.sites),
        exact=culprit.is_exact,
    )


def _collecting(call: BlockingCall, holder: BlockingCall | None) -> BlockingCall:
    """Return a collection as the holder, with what called the collector, if the stack of the thread shows it.

    An automatic one interrupts code by chance, so the outermost in-app function is named.
    """
    if holder is not None and holder.called_name == GC_COLLECT:
        return replace(holder, exact=True)
    stack = () if holder is None else holder.stack
    begun_by = next((frame for frame in stack if frame.is_in_app), None)
    return replace(
        _empty(call),
        method_name=AUTOMATIC_COLLECTION,
        called_name=AUTOMATIC_COLLECTION,
        leaf_name=AUTOMATIC_COLLECTION,
        function=begun_by.name if begun_by else AUTOMATIC_COLLECTION,
        filename=begun_by.filename if begun_by else "",
        lineno=begun_by.lineno if begun_by else 0,
        is_c_call=True,
        stack=stack,
        exact=True,
    )


def _empty(call: BlockingCall) -> BlockingCall:
    """Return a report of the pause that says nothing yet of the holder."""
    return replace(
        call,
        cause=Cause.GIL_HELD,
        stall_id=hashlib.sha256(call.stall_id.encode()).hexdigest()[:32],
        duration_ms=call.step_ms,
        source="",
        task_name="",
        request=None,
        samples=(),
        contributions=(),
        other_place=None,
        otel_span=None,
        held_by=None,
    )


def without_wait(sites: Sequence[Site]) -> tuple[Site, ...]:
    """Leave out the inner frames in which the thread waits for another one: they say nothing of what it did before."""
    begin = 0
    while begin < len(sites) - 1 and sites[begin].module in _WAITS_FOR_THREADS:
        begin += 1
    return tuple(sites[begin:])


def without_start(sites: Sequence[Site]) -> tuple[Site, ...]:
    """Leave out the outer frames, in which the thread was started."""
    end = len(sites)
    while end > 1 and sites[end - 1].module in _STARTS_THREADS:
        end -= 1
    return tuple(sites[:end])
