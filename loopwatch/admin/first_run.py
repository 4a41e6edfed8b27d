"""Checks the setup from the process that serves the page, for a site that has no data yet."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from loopwatch import site_monitor
from loopwatch.conf import configuration
from loopwatch.live.readiness import readiness
from loopwatch.wording.durations import human_duration


@dataclass(frozen=True, slots=True)
class Step:
    """Holds one step of the setup in words, and whether it is done."""

    text: str
    is_done: bool


def first_run() -> Iterator[Step]:
    """Yield the steps in their order. Other processes may differ from this one."""
    current, loops = configuration(), site_monitor.stats().loops
    threshold = {"threshold": human_duration(current.threshold_ms)}
    yield Step(
        _("This process is watched; the threshold is %(threshold)s.") % threshold
        if loops
        else _("This process is not watched."),
        bool(loops),
    )
    stores = "database" in current.sinks
    yield Step(_("Stalls are stored in the database.") if stores else _("Stalls are not stored."), stores)
    shows_live = readiness().obstacle is None
    yield Step(
        _("The live page is ready.") if shows_live else _("The live page is not ready; it says what is missing."),
        shows_live,
    )
    yield Step(
        _("The release is %(release)s.") % {"release": current.release}
        if current.release
        else _("RELEASE is not set, so nothing can be new in a release."),
        bool(current.release),
    )
