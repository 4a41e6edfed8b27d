from datetime import UTC, datetime, timedelta

import pytest
from django.utils.timezone import override

from loopwatch.reporting.since_option import parse_since

NOW = datetime(2026, 11, 8, 12, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(hours=24)),
        (" 7d ", timedelta(days=7)),
        ("1.5h", timedelta(hours=1.5)),
        ("7 d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("0m", timedelta(0)),
    ],
)
def test_an_age_counts_back_from_now(text, age):
    assert parse_since(text, NOW) == NOW - age


def test_a_date_begins_at_midnight_in_the_current_time_zone():
    with override("Europe/Berlin"):
        assert parse_since("2026-11-01", NOW) == datetime(2026, 10, 31, 23, tzinfo=UTC)
        assert parse_since("2026-11-01T12:00", NOW) == datetime(2026, 11, 1, 11, tzinfo=UTC)


def test_an_offset_of_its_own_wins_over_the_current_time_zone():
    with override("Europe/Berlin"):
        assert parse_since("2026-11-01T12:00+05:30", NOW) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
        assert parse_since("2026-11-01T12:00Z", NOW) == datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["yesterday-ish", "", "7", "d", "-7d", "٧d", "999999999w", "2026-13-01", "2026-11-01T25:00", "\0"],
)
def test_text_that_is_no_age_and_no_date_is_refused_with_the_accepted_forms(text):
    with pytest.raises(ValueError, match=r"neither an age nor a date.*24h, 7d.*2026-11-01T12:00"):
        parse_since(text, NOW)


@pytest.mark.parametrize(
    ("zone", "text"),
    [("Europe/Berlin", "0001-01-01"), ("America/New_York", "0001-01-01"), ("America/New_York", "0001-01-01T00:00Z")],
)
def test_a_moment_before_the_calendar_begins_is_refused(zone, text):
    with override(zone), pytest.raises(ValueError, match="neither an age nor a date"):
        parse_since(text, NOW)


def test_a_moment_in_the_future_is_refused():
    with pytest.raises(ValueError, match="in the future"):
        parse_since("2026-11-10", NOW)
