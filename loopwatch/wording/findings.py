"""Puts into words what a finding holds: how sure its call is, what caused it, and its triage status."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from loopwatch.models import BlockingEvent, Finding
from loopwatch.wording.durations import human_duration

Status, When = Finding.Status, Finding.ReopenWhen

LIKELY: Final = "likely"
GIL_HELD: Final = "GIL held by a thread"
FUNCTION_ONLY: Final = "function only"
# By the stored cause: its label, and one sentence on what it means.
CAUSES: Final[dict[str, tuple[Promise, Promise]]] = {
    "computing": (
        gettext_lazy("computing"),
        gettext_lazy("The call kept the CPU busy."),
    ),
    "waiting": (
        gettext_lazy("waiting"),
        gettext_lazy("The call waited for something else (a socket, a lock, a disk, a clock)."),
    ),
    "garbage collection": (
        gettext_lazy("garbage collection"),
        gettext_lazy("Python collected garbage during the call."),
    ),
    GIL_HELD: (
        gettext_lazy("GIL held by a thread"),
        gettext_lazy("A thread kept the GIL in this call, so the loop, which called nothing itself, could not go on."),
    ),
    "importing": (
        gettext_lazy("importing"),
        gettext_lazy("A module was imported while the loop was running."),
    ),
}


def doubt(*, exact: bool, blocking_call: str, function: str) -> str:
    """Return ``""`` for an exact call, ``LIKELY`` for a likely one, ``FUNCTION_ONLY`` if the call is unknown."""
    if exact:
        return ""
    return FUNCTION_ONLY if blocking_call == function else LIKELY


def besides(row: Finding | BlockingEvent) -> str:
    """Return the second place of a step in words, as ``loopwatch.headline`` does in English, or ``""``."""
    if not row.other_us:
        return ""
    names = {
        "duration": human_duration(row.other_us / 1000),
        "call": row.other_called_name,
        "function": row.other_function,
        "line": row.other_lineno,
    }
    if (row.other_function, row.other_called_name) == (row.function, row.called_name):
        return _("%(duration)s of it at line %(line)s") % names
    if row.other_called_name == row.other_function:
        return _("and %(duration)s in %(function)s, line %(line)s") % names
    return _("and %(duration)s of %(call)s in %(function)s, line %(line)s") % names


def calls_seen(row: Finding | BlockingEvent) -> str:
    """Return how many calls were seen in the step in words, or ``""`` for one."""
    if row.calls_seen < 2:
        return ""
    counted = {"count": f"{row.calls_seen:,}"}
    return (
        ngettext("at least %(count)s call in one step", "at least %(count)s calls in one step", row.calls_seen)
        % counted
    )


def current_condition(finding: Finding) -> str:
    """Return what reopens a finding that is set aside, or ``""`` for an open one or without a condition."""
    return "" if finding.status == Status.OPEN else reopen_condition(finding)


def reopen_reason(finding: Finding) -> str:
    """Return why the recorder reopened a finding, or ``""`` if it did not."""
    if finding.status != Status.OPEN or finding.reopened_at is None:
        return ""
    figure = human_duration((finding.reopened_figure_us or 0) / 1000)
    match finding.reopen_when:
        case When.LONGER:
            what = _("a stall lasted %(figure)s") % {"figure": figure}
        case When.MORE:
            what = _("it blocked for %(figure)s within an hour") % {"figure": figure}
        case _other if finding.reopened_release:
            what = _("it occurred in release %(release)s") % {"release": finding.reopened_release}
        case _other:
            what = _("it occurred again")
    return what


def reopen_condition(finding: Finding) -> str:
    """Return the condition that was chosen last, or ``""`` if there is none."""
    figure = human_duration((finding.reopen_figure_us or 0) / 1000)
    match finding.reopen_when:
        case When.NEW_RELEASE:
            return _("until it occurs in a new release")
        case When.RELEASE:
            return _("until it occurs in release %(release)s or later") % {"release": finding.reopen_release}
        case When.LONGER:
            return _("until a stall lasts longer than %(figure)s") % {"figure": figure}
        case When.MORE:
            return _("until it blocks for more than %(figure)s within an hour") % {"figure": figure}
    return ""


def cause_label(cause: str) -> str:
    """Return the cause in the user's language."""
    return str(CAUSES[cause][0]) if cause in CAUSES else cause


def cause_meaning(cause: str) -> str:
    """Return one sentence on what the cause means, or ``""`` for an unknown cause."""
    return str(CAUSES[cause][1]) if cause in CAUSES else ""
