"""How the templates write durations and moments: as the lists do."""

from datetime import datetime

from django import template
from django.utils.safestring import SafeString

from loopwatch import cells
from loopwatch.durations import human_duration
from loopwatch.models import BlockingEvent

register = template.Library()


@register.filter
def duration(duration_ms: float) -> str:
    """Milliseconds as a person says them."""
    return human_duration(duration_ms)


@register.filter
def moment(value: datetime) -> SafeString:
    """A moment in the current time zone, machine-readable too."""
    return cells.moment(value)


@register.filter
def instant(value: datetime) -> SafeString:
    """A moment to the second."""
    return cells.instant(value)


@register.filter
def request_name(event: BlockingEvent) -> str:
    """Method and route of the event's request, or its consumer."""
    return cells.request_name(event)
