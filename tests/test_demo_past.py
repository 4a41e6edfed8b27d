"""The day before today that the demo makes up for the pictures of the documentation."""

from datetime import UTC, datetime

import pytest
from django.db.models import Sum

from loopwatch.models import Finding, HourlyTotal, LoopTime, RouteTotal
from testproject.demo.past import make_past
from tests.stored import stored_finding, stored_hour, stored_route

pytestmark = pytest.mark.django_db


def events_in(rows):
    return rows.aggregate(events=Sum("events"))["events"]


def test_what_is_made_up_is_added_to_what_the_traffic_has_left():
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    figures = {"events": 2, "blocked_us": 400_000}
    finding = stored_finding(**figures)
    stored_hour(finding, 200, 200, hour=hour)
    stored_route(hours=1, start=hour, **figures)
    stored_route(hours=24, start=hour.replace(hour=0), **figures)
    make_past()
    events = events_in(HourlyTotal.objects)
    assert events > 2
    assert events_in(RouteTotal.objects.filter(hours=1)) == events
    assert events_in(RouteTotal.objects.filter(hours=24)) == events
    assert Finding.objects.get().events == events
    assert events_in(LoopTime.objects.filter(minutes=1)) == events - 2
    assert not HourlyTotal.objects.filter(longest_us=0).exists()
