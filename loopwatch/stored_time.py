"""Moments as the database stores them: aware, or naive and in local time on a site without ``USE_TZ``."""

from datetime import UTC, datetime

from django.conf import settings
from django.utils import timezone


def as_stored(moment: datetime) -> datetime:
    """Convert an aware moment to what the database stores."""
    return moment if settings.USE_TZ else timezone.make_naive(moment)


def as_aware(stored: datetime) -> datetime:
    """Convert a stored moment to an aware one."""
    return timezone.make_aware(stored) if timezone.is_naive(stored) else stored


def as_local(stored: datetime) -> datetime:
    """Convert a stored moment to the current time zone; at an end of the calendar, which has none, it stays."""
    try:
        return timezone.localtime(as_aware(stored))
    except OverflowError:
        return stored


def whole_hour(moment: datetime) -> datetime:
    """Return the beginning of the hour (UTC) that contains an aware moment: where hourly totals can be cut."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
