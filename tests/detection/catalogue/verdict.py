"""What the reports of a run are worth: what is false in them on any machine, and what keeps them from being exact.

Nothing here depends on how quick the machine is, or on how many others use it. A report that says it is exact must be
right in everything; one that does not may name the user's function instead of the call, which is short of the mark but
true. Only a run in which the machine took no CPU away has to be exact.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loopwatch.detection.calls import BlockingCall
from tests.detection.catalogue.case import OWN_FUNCTION, Blocked, Case, Expected
from tests.detection.catalogue.run import Run
from tests.detection.catalogue.sizes import STALL_S
from tests.support import witness
from tests.support.witness import CPU_WAIT_S

PLUMBING = re.compile(r"(_?asyncio|asgiref|_?contextvars|selectors|loopwatch|uvloop|concurrent\.futures\.thread)\b")
ALLOWANCE_MS = 2.0
"""What a step may hold besides what its case measures."""
CLOCK_MS = 0.1
"""The case reads its clock within the step, so a step never is shorter than what the case measures."""
QUICKEST_MS = STALL_S * 1000 / 2
LONGEST_MS = STALL_S * 1000 * 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """``wrong``: false, whatever the machine did. ``short``: true, not exact. ``counts``: the machine kept quiet."""

    wrong: tuple[str, ...]
    short: tuple[str, ...]
    counts: bool


def judge(case: Case, run: Run, calls: Sequence[BlockingCall], disturbances: Sequence[BlockingCall]) -> Verdict:
    """``calls`` are what was reported as blocking calls, ``disturbances`` what was said to be the machine's doing."""
    wrong: list[str] = []
    short: list[str] = []
    counts = is_clear(run)
    reports = [*calls, *disturbances]
    for number, blocked in enumerate(run.truth.blocked):
        of_it = [report for report in reports if blocked.is_told_by(report)]
        if blocked.duration_ms < QUICKEST_MS:
            short.append(f"Stall {number} of {blocked.duration_ms:.1f} ms is too quick to tell anything")
            continue
        if len(of_it) != 1:
            wrong.append(f"Stall {number} of {blocked.duration_ms:.1f} ms has {len(of_it)} reports: {_said(of_it)}")
        for report in of_it:
            assert case.expected is not None
            if report in disturbances:
                (wrong if counts else short).append(f"Stall {number} is told as {report.cause}: {_said([report])}")
                continue
            wrong += (f"{false}: {_said([report])}" for false in _false(report, case, blocked, number))
            short += (f"{lack}: {_said([report])}" for lack in _lacks(report, case.expected, blocked, case))
    others = [
        call
        for call in calls
        if not call.function.startswith(witness.__name__)  # which reads files, in a step of its own
        and not any(blocked.is_told_by(call) for blocked in run.truth.blocked)
    ]
    excused = short if case.is_slow_under_load else wrong
    excused += (f"Nothing blocked, but: {_said([call])}" for call in others)
    wrong += (f"{call.cause} among the calls: {_said([call])}" for call in calls if call.cause.is_machine)
    wrong += (f"{other.cause} among the disturbances" for other in disturbances if not other.cause.is_machine)
    return Verdict(tuple(wrong), tuple(short), counts)


def is_clear(run: Run) -> bool:
    """Whether the stalls were long enough to be told, and the machine took no CPU away."""
    asked_for = all(QUICKEST_MS <= blocked.duration_ms <= LONGEST_MS for blocked in run.truth.blocked)
    return asked_for and run.waited_for_cpu_s <= CPU_WAIT_S


def _false(report: BlockingCall, case: Case, blocked: Blocked, number: int) -> Iterator[str]:
    expected = case.expected
    assert expected is not None
    own = case.own_function if expected.where else report.method_name
    culprits = culprits_of(case)
    if any(PLUMBING.match(name) for name in (report.method_name, report.called_name, report.leaf_name, own)):
        yield "Plumbing is named"
    if report.method_name not in (culprits if report.exact else (*culprits, own)):
        yield f"The culprit is {' or '.join(culprits)}"
    if report.function != own:
        yield f"The user's function is {own}"
    if expected.cause is not None and report.cause != expected.cause:
        yield f"The cause is {expected.cause}"
    if report.method_name in culprits and expected.is_c is not None and report.is_c_call is not expected.is_c:
        yield f"That the culprit is written in C is {expected.is_c}"
    if expected.tasks is not None and report.task_name != (task := expected.task(number)):
        yield f"The task is {task!r}"
    if blocked.is_in_step and report.step_ms < blocked.duration_ms - CLOCK_MS:
        yield f"The step lasted at least {blocked.duration_ms:.2f} ms, not {report.step_ms:.2f} ms"
    if report.duration_ms > report.step_ms + 0.001 or report.ongoing:
        yield "The report contradicts itself"
    if expected.where:
        yield from _false_line(report, case)


def _false_line(report: BlockingCall, case: Case) -> Iterator[str]:
    assert case.expected is not None
    lines = case.lines(marked=report.exact and not case.expected.is_anywhere)
    if report.filename != case.filename or report.lineno not in lines:
        yield f"The lines are {sorted(lines)}, not {report.lineno}"
    elif not report.source or "".join(report.source.split()) not in "".join("".join(lines.values()).split()):
        yield f"The source is not {report.source!r}"


def _lacks(report: BlockingCall, expected: Expected, blocked: Blocked, case: Case) -> Iterator[str]:
    if expected.exact is not None and report.exact is not expected.exact:
        yield f"That the report is exact should be {expected.exact}"
    if report.method_name not in culprits_of(case):
        yield f"The culprit should be {' or '.join(expected.culprits)}"
    tolerance_ms = max(1.0, 0.02 * blocked.duration_ms)
    off_ms = report.step_ms - blocked.duration_ms
    if not -tolerance_ms <= off_ms <= tolerance_ms + ALLOWANCE_MS:
        yield f"The duration is off by {off_ms:+.2f} ms"
    named = {contribution.name for contribution in report.contributions}
    own = case.own_function if expected.where else report.method_name
    if not named.issuperset(own if name == OWN_FUNCTION else name for name in expected.contributions):
        yield f"Among what took time should be {expected.contributions}, not {sorted(named)}"


def culprits_of(case: Case) -> tuple[str, ...]:
    """The names that are right."""
    assert case.expected is not None
    return tuple(case.own_function if name == OWN_FUNCTION else name for name in case.expected.culprits)


def _said(reports: Sequence[BlockingCall]) -> str:
    return "; ".join(
        f"{report} [{report.cause}, {'exact' if report.exact else 'inexact'}, {report.source!r}, "
        f"{report.step_ms:.1f} ms, task {report.task_name!r}, {report.leaf_name}]"
        for report in reports
    )
