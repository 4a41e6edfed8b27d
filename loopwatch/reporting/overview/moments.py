"""Moments as the store has them, and back: aware, or naive local time where ``USE_TZ`` is off."""

from datetime import datetime

from django.conf import settings
from django.utils import timezone


def as_stored(moment: datetime) -> datetime:
    """An aware moment as the store has it."""
    return moment if settings.USE_TZ else timezone.make_naive(moment)


def aware(moment: datetime) -> datetime:
    """A stored moment, aware."""
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
