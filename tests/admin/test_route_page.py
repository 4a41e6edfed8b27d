"""The page of a route says what blocks in it, whom that delays, and what delays the route."""

import html
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from tests.stored import stored_event, stored_finding, stored_hour, stored_route

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:loopwatch_overview_route")
HOUR = datetime.min.replace(tzinfo=UTC)


@pytest.fixture(autouse=True)
def this_hour(monkeypatch):
    monkeypatch.setitem(globals(), "HOUR", datetime.now(UTC).replace(minute=0, second=0, microsecond=0))


def shown(client, route, **query):
    response = client.get(PAGE, {"method": "GET", "route": route, **query})
    assert response.status_code == 200
    return response.context["report"], response.content.decode().replace("<wbr>", "")


@pytest.fixture
def pay():
    """Pay blocks for 300 ms, which delays three requests of the search and one of pay."""
    finding = stored_finding(function="shop.pay", last_seen=HOUR)
    stored_hour(finding, 100, 200, hour=HOUR, route="pay/")
    stored_hour(finding, 900, hour=HOUR, route="other/")
    stored_route(start=HOUR, route="pay/", events=2, blocked_us=300_000, delay_us=500_000)
    stored_route(start=HOUR, route="search/", waits=3, waited_us=400_000, arrivals_late=2, late_us=100_000)
    delays = [["GET", "search/", 3], ["GET", "pay/", 1]]
    stored_event(finding, started_at=HOUR, route="pay/", requests_delayed=4, delayed_routes=delays)
    return finding


def test_a_route_shows_what_blocks_in_it_and_whom_that_delays(admin_client, pay):
    report, page = shown(admin_client, "pay/")
    assert [(finding, impact.blocked_us) for finding, impact in report.findings] == [(pay, 300_000)]
    assert report.impact.total_us == 800_000
    assert report.delays.victims == [("GET", "search/", 3), ("GET", "pay/", 1)]
    assert "route=search%2F&amp;span=24h" in page
    assert reverse("admin:loopwatch_finding_change", args=[pay.pk]) in page


def test_a_route_shows_what_delays_it(admin_client, pay):
    report, _page = shown(admin_client, "search/")
    assert (report.waits, report.waited_us, report.findings) == (5, 500_000, [])
    assert (report.delays.culprits, report.delays.victims) == ([(pay, 3)], [])


def test_a_route_is_shown_of_its_time_only(admin_client, pay):
    before = f"{HOUR - timedelta(hours=2):%Y-%m-%dT%H:%M}+00:00", f"{HOUR:%Y-%m-%dT%H:%M}+00:00"
    report, page = shown(admin_client, "pay/", **dict(zip(("from", "to"), before, strict=True)))
    assert (report.impact.events, report.findings, report.delays.events) == (0, [], 0)
    for query in re.findall(r'href="[?]([^"]*)"', page):
        assert "method=GET&amp;route=pay%2F&amp;" in query


def test_every_route_of_the_overview_a_finding_and_an_event_leads_to_its_page(admin_client, pay):
    event = pay.blocking_events.get()
    for name, args in (("overview_changelist", []), ("finding_change", [pay.pk]), ("blockingevent_change", [event.pk])):
        page = html.unescape(admin_client.get(reverse(f"admin:loopwatch_{name}", args=args)).content.decode())
        assert f"{PAGE}?{urlencode({'method': 'GET', 'route': 'pay/'})}" in page.replace("pay/", "pay%2F")


def test_the_page_of_a_route_is_linked_for_users_who_may_view_events(staff, pay):
    viewer = staff("view_finding")
    for address in (
        reverse("admin:loopwatch_overview_changelist"),
        reverse("admin:loopwatch_finding_change", args=[pay.pk]),
    ):
        assert PAGE not in viewer.get(address).content.decode()


@pytest.mark.parametrize("route", ["", "\0", "%00", "<script>alert(1)</script>", "x" * 3_000, "no/such/"])
def test_any_route_has_a_page(admin_client, pay, route):
    report, page = shown(admin_client, route)
    assert report.findings == []
    assert "<script>alert" not in page


def test_the_page_of_a_route_needs_the_same_few_queries_at_any_size(admin_client, pay, django_assert_max_num_queries):
    for number in range(40):
        finding = stored_finding(function=f"f{number}")
        stored_hour(finding, 60, hour=HOUR, route="pay/")
        delays = [["GET", "pay/", 1]]
        stored_event(finding, started_at=HOUR, route="pay/", requests_delayed=1, delayed_routes=delays)
    with django_assert_max_num_queries(12):
        shown(admin_client, "pay/", span="30d")
