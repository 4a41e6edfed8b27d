from datetime import UTC, datetime, timedelta, timezone

import pytest

from loopwatch.stored_time import as_aware, as_local, as_stored, whole_hour

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("use_tz", "stored"), [(True, NOON), (False, datetime(2026, 11, 1, 13))])  # noqa: DTZ001
def test_a_moment_is_stored_aware_or_in_local_time_and_read_back_aware(settings, use_tz, stored):
    settings.USE_TZ, settings.TIME_ZONE = use_tz, "Europe/Berlin"
    assert as_stored(NOON) == stored
    assert as_aware(as_stored(NOON)) == NOON


def test_a_moment_without_a_local_time_stays_as_it_is(settings):
    settings.TIME_ZONE = "America/New_York"
    assert as_local(NOON).hour == 7
    assert as_local(datetime(1, 1, 1, tzinfo=UTC)) == datetime(1, 1, 1, tzinfo=UTC)


def test_hours_are_those_of_utc_in_every_time_zone():
    half_past = timezone(timedelta(hours=5, minutes=30))
    assert whole_hour(datetime(2026, 11, 1, 12, 10, tzinfo=half_past)) == datetime(2026, 11, 1, 6, tzinfo=UTC)
