"""Lists and the page of a finding show the time that the overview showed, and lead to others."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from tests.stored import stored_event, stored_finding, stored_hour, stored_loop_time, stored_stack

pytestmark = pytest.mark.django_db
OVERVIEW, FINDINGS, EVENTS = (
    reverse(f"admin:loopwatch_{model}_changelist") for model in ("overview", "finding", "blockingevent")
)
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
HOURS = timedelta(hours=1)
EARLIER = HOUR - timedelta(hours=30)
AN_HOUR = {"from": HOUR.isoformat(), "to": (HOUR + timedelta(hours=1)).isoformat()}


def page_url(finding):
    return reverse("admin:loopwatch_finding_change", args=[finding.pk])


def links(page):
    return [html.unescape(url) for url in re.findall(r'<a [^>]*?href="([^"]*)"', page.content.decode())]


def following(client, page, pattern):
    """Return the page behind the first link of a page whose address matches."""
    url = next(url for url in links(page) if re.search(pattern, url))
    found = client.get(url if url.startswith("/") else page.wsgi_request.path + url)
    assert found.status_code == 200
    return found


@pytest.fixture
def often():
    """Blocks most of the time, but little in the hour."""
    finding = stored_finding(function="often", blocked_us=90_000_000, events=900, first_seen=EARLIER, last_seen=HOUR)
    stored_hour(finding, *[60_000] * 2, hour=EARLIER, route="earlier/")
    stored_hour(finding, 100, hour=HOUR, route="now/", requests_delayed=3)
    return finding


@pytest.fixture
def once():
    finding = stored_finding(function="once", blocked_us=2_000, first_seen=HOUR, last_seen=HOUR)
    stored_hour(finding, 900, 800, hour=HOUR)
    return finding


@pytest.fixture
def gone():
    finding = stored_finding(function="gone", first_seen=EARLIER, last_seen=HOUR + timedelta(hours=3))
    stored_hour(finding, 500, hour=EARLIER)
    stored_hour(finding, 500, hour=HOUR + timedelta(hours=3))


def test_the_findings_of_a_time_are_those_that_blocked_then_the_most_impact_first(admin_client, often, once, gone):
    def listed(**query):
        return [finding.function for finding in admin_client.get(FINDINGS, query).context["cl"].result_list]

    assert listed(**AN_HOUR) == ["once", "often"]
    assert listed(**AN_HOUR, o="2") == ["often", "once"]
    assert listed(**AN_HOUR, o="-4") == ["once", "often"]
    assert listed(**AN_HOUR, o="-5") == ["often", "once"]
    assert listed() == listed(span="any") == listed(**{"from": "bogus"}) == ["often", "gone", "once"]


def test_the_figures_of_a_list_are_those_of_its_time(admin_client, often):
    (finding,) = admin_client.get(FINDINGS, AN_HOUR).context["cl"].result_list
    assert (finding.events, finding.blocked_us, finding.longest_us) == (1, 100_000, 100_000)
    assert [route.route for route in vars(finding)["routes"]] == ["now/"]
    (finding,) = admin_client.get(FINDINGS).context["cl"].result_list
    assert finding.events == 900


def test_a_list_of_a_time_needs_no_more_queries(admin_client, django_assert_max_num_queries):
    for number in range(50):
        stored_hour(stored_finding(function=f"f{number}", first_seen=HOUR, last_seen=HOUR), 60, hour=HOUR)
    with django_assert_max_num_queries(8):
        assert len(admin_client.get(FINDINGS, AN_HOUR).context["cl"].result_list) == 50


def test_triage_and_deletion_act_on_a_list_of_a_time(admin_client, often, once):
    query = f"{FINDINGS}?from={HOUR:%Y-%m-%dT%H:%MZ}"
    chosen = {"_selected_action": once.pk, "select_across": "1"}
    admin_client.post(query, {"action": "resolve"} | chosen)
    once.refresh_from_db()
    assert (once.status, once.blocked_us) == ("resolved", 2_000)
    admin_client.post(query, {"action": "delete_selected", "post": "yes", "_selected_action": often.pk})
    assert admin_client.get(FINDINGS).context["cl"].result_count == 0


def test_the_page_of_a_finding_shows_the_figures_of_its_time(admin_client, often):
    inside = stored_event(often, started_at=HOUR + timedelta(minutes=9))
    stored_event(often, started_at=EARLIER)
    page = admin_client.get(page_url(often), AN_HOUR).context["page"]
    assert (page.impact.events, page.impact.requests_delayed) == (1, 3)
    assert [(bar.x, bar.events) for bar in page.trend.bars] == [(0, 1)]
    assert [route.route for route in page.routes] == ["now/"]
    assert sum(bucket.events for bucket in page.history.distribution.buckets) == 1
    assert [event.pk for event in page.slowest] == [event.pk for event in page.newest] == [inside.pk]
    assert admin_client.get(page_url(often)).context["page"].impact.events == 900


@pytest.mark.parametrize(
    ("span", "bar", "width", "said"),
    [("7d", HOURS, 168, "hour"), ("30d", 24 * HOURS, 30, "day"), ("1y", 168 * HOURS, 53, "week")],
)
def test_the_trend_of_a_longer_time_has_longer_bars(admin_client, often, span, bar, width, said):
    page = admin_client.get(page_url(often), {"span": span})
    trend = page.context["page"].trend
    assert (trend.bar, trend.width, sum(each.events for each in trend.bars)) == (bar, width, 3)
    assert f"Blocked by {said}" in page.content.decode()


def test_a_list_of_a_very_long_time_says_that_its_figures_are_of_all_time(admin_client, often):
    said = "The figures of this list are of all time"
    long = admin_client.get(FINDINGS, {"span": "1y"})
    assert (long.context["cl"].result_list[0].events, said in long.content.decode()) == (900, True)
    assert said not in admin_client.get(FINDINGS, {"span": "30d"}).content.decode()
    assert said not in admin_client.get(EVENTS, {"span": "1y"}).content.decode()


def test_the_flame_graph_of_a_time_has_its_events_only(admin_client, often):
    for moment in (HOUR, EARLIER):
        stored_event(often, started_at=moment, stacks=stored_stack(("shop/views.py", "pay", 1, 0, 0, 1, "")))
    for query, total_ms in ((AN_HOUR, 100), ({}, 200)):
        page = admin_client.get(page_url(often), query).content.decode()
        url = html.unescape(re.search(r'data-drawing="([^"]*)"', page)[1])
        assert admin_client.get(url).json()["total_ms"] == total_ms


def test_the_events_of_a_time_are_exact_to_the_minute(admin_client, often):
    inside = stored_event(often, started_at=HOUR + timedelta(minutes=9, seconds=30))
    for minutes in (8, 10):
        stored_event(often, started_at=HOUR + timedelta(minutes=minutes, seconds=5))
    minute = {"from": f"{HOUR:%Y-%m-%dT%H}:09Z", "to": f"{HOUR:%Y-%m-%dT%H}:10Z"}
    page = admin_client.get(EVENTS, minute)
    assert [event.pk for event in page.context["cl"].result_list] == [inside.pk]
    earlier = following(admin_client, page, r"^[?]from=[^&]*&to=[^&]*$")
    assert earlier.context["cl"].result_count == 1
    wider = admin_client.get(f"{EVENTS}?{page.context['cl'].range.wider}")
    assert wider.context["cl"].result_count == 3


def test_the_time_of_the_overview_leads_along_to_a_finding_and_its_events(admin_client, often, once):
    stored_loop_time(start=HOUR, minutes=60, events=3, blocked_us=9)
    event = stored_event(once, started_at=HOUR)
    overview = admin_client.get(OVERVIEW, {"span": "7d"})
    listed = following(admin_client, overview, rf"{FINDINGS}[?]span=7d")
    for before in (overview, listed):
        finding = following(admin_client, before, rf"{page_url(once)}[?].*7d")
        assert finding.context["range"].axis.span.key == "7d"
        seen = following(admin_client, finding, rf"blockingevent/{event.pk}/")
        back = following(admin_client, seen, rf"{page_url(once)}[?]span=7d")
        assert back.context["range"].axis.span.key == "7d"
        for tab in (OVERVIEW, FINDINGS, reverse("admin:loopwatch_threadwaittotal_changelist")):
            assert f"{tab}?span=7d" in links(seen)


def test_a_time_keeps_the_filters_of_a_list_and_can_be_left(admin_client, often):
    page = admin_client.get(FINDINGS, {"status": "all", "q": "often", "p": "1", **AN_HOUR})
    anywhen = following(admin_client, page, r"span=any")
    assert anywhen.context["cl"].range is None
    assert anywhen.context["cl"].params == {"status": "all", "q": "often", "span": "any"}
    for url in links(page):
        if url.startswith("?") and "cause=" in url:
            assert "from=" in url


def test_any_time_is_chosen_on_a_page_that_a_list_led_to(admin_client, often):
    page = admin_client.get(page_url(often), {"_changelist_filters": "span=24h&status=all"})
    assert page.context["range"].axis.span.key == "24h"
    anywhen = following(admin_client, page, r"[?].*span=any")
    assert anywhen.context["range"] is None
