"""How the templates write durations and moments: as the lists do."""

from datetime import datetime

from django import template
from django.utils.safestring import SafeString

from loopwatch import cells
from loopwatch.durations import human_duration
from loopwatch.escaping import html_name
from loopwatch.models import BlockingEvent, Finding

register = template.Library()


@register.filter
def duration(duration_ms: float) -> str:
    """Milliseconds as a person says them."""
    return human_duration(duration_ms)


@register.filter
def microseconds(duration_us: int) -> str:
    """Microseconds as a person says them."""
    return human_duration(duration_us / 1000)


@register.filter
def percent(share: float | None) -> str:
    """A share of one, in whole percent; little is not nothing, and what is not known is a dash."""
    if share is None:
        return "–"
    return "< 1 %" if 0 < share < 0.005 else f"{share:.0%}".replace("%", " %")


@register.filter
def width(share: float | None) -> int:
    """A share of one as the width of a bar that may be 100 wide."""
    return round(100 * (share or 0.0))


@register.filter
def finding(value: Finding) -> SafeString:
    """The blocking call of a finding, and where it is."""
    return cells.call_and_place(value)


@register.filter
def status(value: Finding) -> SafeString:
    """The status of a finding, as in the list."""
    return cells.status(value)


@register.filter
def moment(value: datetime) -> SafeString:
    """A moment in the current time zone, machine-readable too."""
    return cells.moment(value)


@register.filter
def instant(value: datetime) -> SafeString:
    """A moment to the second."""
    return cells.instant(value)


@register.filter
def breakable(name: str) -> SafeString:
    """A dotted name or a path that may be broken where a reader would break it."""
    return html_name.breakable(name)


@register.filter
def request_name(event: BlockingEvent) -> str:
    """Method and route of the event's request, or its consumer."""
    return cells.request_name(event)
