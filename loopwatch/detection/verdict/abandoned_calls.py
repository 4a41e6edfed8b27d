"""Reports what kept the GIL until its process was killed, from what the lookout of that process has left.

Another process makes the report, so it has names and places only, as the lookout saw them. The call is named as that
process would have named it if this one has loaded the same code. Otherwise only the function and the line are known.
"""

import os
import uuid
from datetime import datetime
from pathlib import Path, PurePath

from loopwatch.detection.calls import SAMPLING, BlockingCall, Cause, StackFrame
from loopwatch.detection.cpython import source
from loopwatch.detection.cpython.code_owner import PLUMBING_FUNCTIONS, PLUMBING_MODULES, Owner, owner_of_file
from loopwatch.detection.cpython.search_path import search_path
from loopwatch.detection.lookout.abandoned_holds import AbandonedHold
from loopwatch.detection.lookout.look import LookedFrame
from loopwatch.detection.lookout.placing import sites_of
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.verdict.attribution import seen_path
from loopwatch.detection.verdict.culprit import culprit_of
from loopwatch.detection.verdict.holders import named, without_start

_RUNS_STEPS = frozenset({"loopwatch.detection.timing.stopwatch", "loopwatch.detection.timing.timed_callback"})


def abandoned_call(hold: AbandonedHold) -> BlockingCall:
    """Return the report of a stall that had not ended when its process was killed. Reads source files."""
    frames = [_frame(each, hold.started_at) for each in hold.look.frames]
    step = next((index for index, frame in enumerate(frames) if frame.module in _RUNS_STEPS), None)
    call = _by_names(hold, frames[:step] or frames, Cause.GIL_HELD if step is None else Cause.COMPUTING)
    sites = sites_of(hold.look, in_step=step is not None)
    if not sites:
        return call
    path = seen_path(without_start(sites), GilWait.SEEN, hold.look.lasted_s)
    culprit = culprit_of([path])
    return call if culprit is None else named(call, culprit, path)


def _by_names(hold: AbandonedHold, frames: list[StackFrame], cause: Cause) -> BlockingCall:
    """Report the in-app function nearest to the inner end, and what it called if that is written in Python.

    The ``frames`` are innermost first.
    """
    index = next((index for index, frame in enumerate(frames) if _is_of_site(frame.filename, frame.module)), 0)
    function, called = frames[index], frames[max(0, index - 1)]
    span = source.Span(function.lineno, function.end_lineno, function.column, function.end_column)
    duration_ms = hold.look.lasted_s * 1000
    return BlockingCall(
        stall_id=uuid.uuid4().hex,
        method_name=called.name,
        duration_ms=duration_ms,
        is_c_call=False,
        filename=function.filename,
        lineno=function.lineno,
        source=source.text_of(function.filename, span) if function.is_in_app else "",
        function=function.name,
        stack=tuple(reversed(frames)),
        step_ms=duration_ms,
        task_name="",
        engine=SAMPLING,
        started_at=hold.started_at,
        exact=False,
        cause=cause,
        called_name=called.name,
        leaf_name=frames[0].name,
        ongoing=True,
    )


def _frame(looked: LookedFrame, seen_at: datetime) -> StackFrame:
    """Return a frame as it is shown. One of a file that has changed is not in-app, because its lines are others now."""
    module = _module_of(looked.filename)
    is_in_app = _is_of_site(looked.filename, module) and not _has_changed(looked.filename, seen_at)
    filename, function, *place = looked
    lineno, end_lineno, column, end_column = (max(0, figure) for figure in place)
    return StackFrame(filename, module, function, lineno, end_lineno, column, end_column, is_in_app)


def _module_of(filename: str) -> str:
    """Return the name by which a file would be imported, or ``""`` if it is outside of ``sys.path``."""
    roots = [entry.rstrip(os.sep) + os.sep for entry in search_path() if entry and filename.startswith(entry)]
    inside = [filename.removeprefix(root) for root in roots if filename.startswith(root)]
    if not inside or not filename.endswith(".py"):
        return ""
    parts = PurePath(min(inside, key=len).removesuffix(".py")).parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) if all(map(str.isidentifier, parts)) else ""


def _is_of_site(filename: str, module: str) -> bool:
    is_plumbing = module.partition(".")[0] in PLUMBING_MODULES or module in PLUMBING_FUNCTIONS
    return bool(module) and not is_plumbing and owner_of_file(filename) is Owner.IN_APP


def _has_changed(filename: str, seen_at: datetime) -> bool:
    try:
        return Path(filename).stat().st_mtime > seen_at.timestamp()
    except OSError:
        return True
