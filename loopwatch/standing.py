"""How a finding stands, in words: set aside by whom and until when, or why it was opened again."""

from django.utils.translation import gettext as _

from loopwatch.durations import human_duration
from loopwatch.models import Finding

Status, When = Finding.Status, Finding.ReopenWhen


def condition(finding: Finding) -> str:
    """What reopens a finding that is set aside; empty where that goes without saying, and for one that is open."""
    return "" if finding.status == Status.OPEN else until(finding)


def reason(finding: Finding) -> str:
    """Why the recorder opened a finding again; empty if it did not."""
    if finding.status != Status.OPEN or finding.reopened_at is None:
        return ""
    figure = human_duration((finding.reopened_figure_us or 0) / 1000)
    match finding.reopen_when:
        case When.LONGER:
            what = _("it lasted %(figure)s") % {"figure": figure}
        case When.MORE:
            what = _("it blocked for %(figure)s within an hour") % {"figure": figure}
        case _other if finding.reopened_release:
            what = _("it happened in release %(release)s") % {"release": finding.reopened_release}
        case _other:
            what = _("it happened again")
    return what


def until(finding: Finding) -> str:
    """The condition that was chosen last; empty for none."""
    figure = human_duration((finding.reopen_figure_us or 0) / 1000)
    match finding.reopen_when:
        case When.NEW_RELEASE:
            return _("until it happens in a release that is new")
        case When.RELEASE:
            return _("until it happens in release %(release)s or later") % {"release": finding.reopen_release}
        case When.LONGER:
            return _("until it lasts longer than %(figure)s") % {"figure": figure}
        case When.MORE:
            return _("until it blocks for more than %(figure)s within an hour") % {"figure": figure}
    return ""
