"""Finds the request that a thread of an executor works for, in the context in which the thread runs its work.

``sync_to_async`` and ``asyncio.to_thread`` give an executor a callable that runs work in a copy of the request's
context. The frame in which the thread takes its work from the executor's queue shows that work.
Source: Lib/concurrent/futures/thread.py, ``_worker`` and ``_WorkItem``.
"""

from contextlib import suppress
from contextvars import Context
from functools import partial
from types import BuiltinMethodType, FrameType, FunctionType

from loopwatch.detection.cpython.frame_marks import is_traced
from loopwatch.detection.cpython.frames import forget_locals, forget_locals_of_caller, locals_of
from loopwatch.detection.cpython.namespaces import module_name
from loopwatch.detection.timing.in_flight import RequestInFlight, WorkForRequest, current_request

TAKES_WORK = "_worker"
"""The name of the function whose outermost frame in a thread is looked into."""
_DOES_WORK = "_WorkItem.run"
_EXECUTOR = "concurrent.futures.thread"


def request_of_thread(thread_id: int, takes_work: FrameType | None) -> RequestInFlight | None:
    """Return the request, if the frame is that of an executor's thread and its work belongs to a request."""
    if takes_work is None or is_traced(takes_work) or module_name(takes_work.f_globals) != _EXECUTOR:
        return None
    variables = locals_of(takes_work)
    try:
        item = variables.get("work_item")
    finally:
        forget_locals(takes_work, variables)
        forget_locals_of_caller(thread_id, takes_work, _DOES_WORK, variables)
    task = getattr(item, "task", None)  # from Python 3.14 on
    return _request_of(task[0] if type(task) is tuple and task else getattr(item, "fn", None))


def _request_of(work: object) -> RequestInFlight | None:
    """Look into nothing but the classes named here, because others may run the site's code."""
    if issubclass(type(work), WorkForRequest):
        return work.request  # type: ignore[attr-defined, no-any-return]
    if type(work) is not partial:
        return None
    contexts = filter(None, map(_context_of, (work.func, *work.args)))
    return next((context.get(current_request) for context in contexts), None)


def _context_of(function: object) -> Context | None:
    """Return the context in which a function runs its work: ``Context.run`` does, or a closure over the context."""
    if type(function) is BuiltinMethodType:
        return _if_context(function.__self__)
    if type(function) is not FunctionType:
        return None
    cells = function.__closure__ or ()
    with suppress(ValueError):  # an empty cell
        return next(filter(None, (_if_context(cell.cell_contents) for cell in cells)), None)
    return None


def _if_context(found: object) -> Context | None:
    return found if type(found) is Context else None
