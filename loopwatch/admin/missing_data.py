"""Finds out why nothing is stored, for pages that have nothing to show."""

from enum import StrEnum

from loopwatch import site_monitor
from loopwatch.conf import configuration


class MissingData(StrEnum):
    """Names the reason; the page says what to do about each."""

    SWITCHED_OFF = "switched off"
    NO_SINK = "no sink"
    NOTHING_YET = "nothing yet"
    """The process that serves the page is watched."""
    NOT_SELECTED = "not selected"
    """It is not among the processes that ``ENABLED`` selects."""
    UNKNOWN = "unknown"


def missing_data() -> MissingData:
    """Ask the settings and this process, which may be one of several."""
    current = configuration()
    if not current.enabled:
        return MissingData.SWITCHED_OFF
    if "database" not in current.sinks:
        return MissingData.NO_SINK
    if site_monitor.stats().loops:
        return MissingData.NOTHING_YET
    is_selective = callable(current.enabled) or current.enabled < 1
    return MissingData.NOT_SELECTED if is_selective else MissingData.UNKNOWN
