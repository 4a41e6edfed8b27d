"""Parses the option ``--since``: the beginning of a report's period."""

from datetime import datetime, timedelta

from django.utils import timezone

from loopwatch.stored_time import as_aware, whole_hour
from loopwatch.wording.durations import parse_duration_ms

FORMS = "30m, 24h, 7d, 2w, 2026-11-01 or 2026-11-01T12:00"


def parse_since(text: str, now: datetime) -> datetime:
    """Parse an age before ``now`` or a date, in the current time zone unless the date has an offset.

    Raises ``ValueError``, with the accepted forms, for anything else and for a moment in the future.
    """
    try:
        since = _age(text, now) or _moment(text)
        timezone.localtime(whole_hour(since))
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is neither an age nor a date. Examples: {FORMS}.") from None
    if since > now:
        raise ValueError(f"{text!r} is in the future.")
    return since


def _age(text: str, now: datetime) -> datetime | None:
    age_ms = parse_duration_ms(text)
    return None if age_ms is None else now - timedelta(milliseconds=age_ms)


def _moment(text: str) -> datetime:
    return as_aware(datetime.fromisoformat(text.strip()))
