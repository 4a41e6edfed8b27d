import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from loopwatch import site_monitor
from loopwatch.recorder.health import Stats
from loopwatch.reporting.overview import SPANS
from tests.stored import stored_event, stored_finding, stored_health, stored_hour, stored_loop_time, stored_route

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:loopwatch_overview_changelist")
WAITS = reverse("admin:loopwatch_threadwaittotal_changelist")
MINUTE = datetime.now(UTC).replace(second=0, microsecond=0)
HOUR = MINUTE.replace(minute=0)
EVENTS_OF_A_BAR = r'<a href="([^"]*/blockingevent/[?]from=[^"]*)"'


def text_of(page):
    apart = re.sub(r"<(?!/?(strong|code|a)\b)[^>]*>", " ", page.content.decode())
    return " ".join(re.sub(r"<[^>]*>", "", apart).split())


@pytest.fixture
def bad_day():
    finding = stored_finding(function="shop.views.pay", blocking_call="time.sleep", first_seen=MINUTE, last_seen=MINUTE)
    stored_hour(finding, 100, 300, hour=HOUR, route="pay/", delay_us=1_600_000, requests_delayed=8)
    stored_route(start=HOUR, route="pay/", events=2, blocked_us=400_000, delay_us=1_600_000, requests_delayed=8)
    stored_route(start=HOUR, route="search/", waits=8, waited_us=1_600_000)
    stored_loop_time(
        start=MINUTE, events=2, blocked_us=400_000, longest_us=310_000, delay_us=1_600_000, requests_delayed=8,
        busy_us=15_000_000,
    )  # fmt: skip
    stored_health(dropped=3, errors={"callback": 2}, since=MINUTE, reported_at=MINUTE)
    return finding


def test_the_index_of_the_app_is_the_overview(admin_client, staff, bad_day):
    index = reverse("admin:app_list", args=["loopwatch"])
    assert "2 stalls blocked the loop for 400 ms." in text_of(admin_client.get(index))
    assert 'href="?span=7d" aria-current="page"' in admin_client.get(index, {"span": "7d"}).content.decode()
    assert f'href="{PAGE}"' in admin_client.get(reverse("admin:index")).content.decode()
    without = staff("view_processhealth").get(index).content.decode()
    assert "blocked the loop for" not in without
    assert reverse("admin:loopwatch_processhealth_changelist") in without


def test_the_overview_shows_blocked_time_its_calls_and_the_delayed_requests(admin_client, bad_day):
    page = admin_client.get(PAGE)
    text = text_of(page)
    assert "Degraded 2 stalls blocked the loop for 400 ms. That is 0.67 % of the loops' time." in html.unescape(text)
    assert "Other requests were delayed 8 times, by 1.6 s in total. Most delayed: GET search/" in text
    assert "100 % of the impact comes from time.sleep in shop.views.pay." in text
    assert "worst pause 310 ms" in text
    assert "busiest minute of a loop 25 %" in text
    assert re.search(r"Worst minute: [^()]+\(blocked for 400 ms\)", text)
    assert "GET pay/" in text
    assert "GET search/ 0 % 0 ms 0 ms 1.6 s 8" in text
    assert "web-1 4711" in text
    assert "3 stalls were lost." in text
    assert "Errors: callback 2." in text
    assert reverse("admin:loopwatch_finding_change", args=[bad_day.pk]) in page.content.decode()


def test_the_overview_says_how_many_requests_were_kept_out(admin_client):
    stored_loop_time(start=MINUTE, events=1, requests_kept_out=97, kept_out_us=4_000_000)
    text = text_of(admin_client.get(PAGE))
    assert "About 97 requests were kept out until a stall was over, for 4.0 s in total (estimate)." in text


def test_a_bar_links_to_its_events(admin_client, bad_day):
    stored_event(bad_day, started_at=MINUTE)
    stored_event(bad_day, started_at=MINUTE - timedelta(hours=2))
    page = admin_client.get(PAGE, {"span": "1h"}).content.decode()
    (url,) = set(re.findall(EVENTS_OF_A_BAR, page))
    events = admin_client.get(url.replace("&amp;", "&")).context["cl"].result_list
    assert [event.started_at for event in events] == [MINUTE]


@pytest.mark.parametrize(
    ("span", "ago", "bar"),
    [
        ("30d", timedelta(days=3), timedelta(hours=1)),
        ("7d", timedelta(hours=1), timedelta(minutes=1)),
        ("24h", timedelta(hours=1), timedelta(minutes=1)),
    ],
)
def test_a_bar_leads_to_its_time_in_smaller_bars(admin_client, span, ago, bar):
    for minutes in (1, 60):
        stored_loop_time(start=HOUR - ago, minutes=minutes, events=1, blocked_us=100_000)
    page = html.unescape(admin_client.get(PAGE, {"span": span}).content.decode())
    (query,) = set(re.findall(r'<a href="[?](from=[^"]*)" tabindex="-1"', page))
    zoomed = admin_client.get(f"{PAGE}?{query}").context["overview"]
    assert (zoomed.axis.span.bar, zoomed.impact.events) == (bar, 1)


def test_an_hour_without_minutes_leads_to_its_events(admin_client):
    stored_loop_time(start=HOUR - timedelta(days=5), minutes=60, events=1, blocked_us=100_000)
    page = admin_client.get(PAGE, {"span": "7d"}).content.decode()
    assert len(set(re.findall(EVENTS_OF_A_BAR, page))) == 1


def test_a_chosen_time_has_a_way_back_and_forth(admin_client):
    (begin, end) = (f"{HOUR - timedelta(hours=hours):%Y-%m-%dT%H:%M}+00:00" for hours in (5, 4))
    shown = admin_client.get(PAGE, {"from": begin, "to": end}).context
    assert shown["overview"].axis.begin == HOUR - timedelta(hours=5)
    for query, hours, length in (("earlier", 6, 1), ("later", 4, 1), ("wider", 24, 24)):
        axis = admin_client.get(f"{PAGE}?{getattr(shown['range'], query)}").context["overview"].axis
        assert axis.begin <= HOUR - timedelta(hours=hours) < axis.begin + timedelta(hours=1)
        assert timedelta(0) <= axis.end - axis.begin - timedelta(hours=length) <= timedelta(hours=1)


@pytest.mark.parametrize("begin", ["bogus", "", "\0", "0001-01-01T00:00", "9999-12-31T23:59", "2026-02-31T00:00"])
@pytest.mark.parametrize("page", [PAGE, WAITS])
def test_a_time_that_cannot_be_shown_is_the_default_span(admin_client, begin, page):
    shown = admin_client.get(page, {"from": begin, "to": begin})
    assert shown.status_code == 200
    assert shown.context["span"].key == "24h"


def test_a_change_of_the_impact_is_shown_with_its_sign(admin_client, bad_day):
    assert "against the period before" not in text_of(admin_client.get(PAGE))
    stored_route(start=HOUR - timedelta(days=1, hours=2), blocked_us=8_000_000)
    assert "Impact against the period before: −75 %" in text_of(admin_client.get(PAGE))


def test_a_process_leads_to_its_events(admin_client, staff):
    for process_id in (1, 2):
        stored_loop_time(start=MINUTE, process_id=process_id, events=1)
        stored_event(stored_finding(), started_at=MINUTE, process_id=process_id)
    page = html.unescape(admin_client.get(PAGE).content.decode())
    url = re.search(r'<a href="([^"]*process_id=2[^"]*)">web-1 2</a>', page)[1]
    assert [event.process_id for event in admin_client.get(url).context["cl"].result_list] == [2]
    assert "process_id=" not in staff("view_finding").get(PAGE).content.decode()


@pytest.mark.parametrize("route", ["pay/", "shop/<int:pk>/", r'^a "b\d+"/(?P<x>\w{2})$', "Zoë%20/"])
def test_a_route_leads_to_its_findings_for_users_who_may_not_view_events(staff, route):
    viewer = staff("view_finding")
    stored_route(start=HOUR, route=route, events=1, blocked_us=1)
    finding = stored_finding(status="resolved")
    stored_hour(finding, 60, hour=HOUR, route=route)
    stored_hour(stored_finding(), 60, hour=HOUR, route="other/", method="POST")
    page = html.unescape(viewer.get(PAGE).content.decode())
    url = re.search(r'<a href="([^"]*status=all[^"]*)">', page)[1]
    assert [found.pk for found in viewer.get(url).context["cl"].result_list] == [finding.pk]


def test_a_release_that_began_is_marked_in_the_chart(admin_client):
    begun = HOUR - timedelta(hours=2)
    for release, since in (
        ("1.4", begun - timedelta(days=3)),
        ("1.5 <b>", begun),
        ("1.5 <b>", begun + timedelta(hours=1)),
    ):
        stored_loop_time(start=HOUR, minutes=60, since=since, release=release)
    page = admin_client.get(PAGE)
    assert [(mark.name, mark.begun) for mark in page.context["marks"]] == [("1.5 <b>", begun)]
    assert re.search(r"Releases that began: 1.5 &lt;b&gt; \d{4}-\d\d-\d\d", text_of(page))
    share = (begun - page.context["overview"].axis.begin) / page.context["overview"].axis.length
    assert f'<line x1="{share:.2%}"' in page.content.decode()


@pytest.mark.parametrize(
    ("blocked_us", "longest_us", "state"),
    [
        (30_000, 30_000, "OK That is 0.05 % of"),
        (60_000, 60_000, "Degraded That is 0.1 % of"),
        (30_000, 1_000_000, "Degraded That is 0.05 % of"),
        (600_000, 600_000, "Blocked That is 1 % of"),
        (13_800_000, 600_000, "Blocked That is 23 % of"),
    ],
)
def test_the_answer_comes_first(admin_client, blocked_us, longest_us, state):
    stored_loop_time(start=MINUTE, events=1, blocked_us=blocked_us, longest_us=longest_us)
    text = re.sub(r"\d+ stall blocked the loop for [^.]+(\.\d s)?\. ", "", text_of(admin_client.get(PAGE)))
    assert state in text


def test_the_answer_is_ok_where_nothing_blocked_and_missing_where_nothing_is_known(admin_client):
    assert "loopwatch-state" not in admin_client.get(PAGE).content.decode()
    stored_loop_time(start=MINUTE)
    assert "OK No stalls" in text_of(admin_client.get(PAGE))


def test_the_overview_has_four_sections(admin_client, bad_day):
    page = admin_client.get(PAGE).content.decode()
    assert len(re.findall(r'<section class="module', page)) == 4
    assert len(re.findall(r">new<", page)) == 1


def test_bars_are_not_linked_for_users_who_may_not_view_events(staff, bad_day):
    assert not re.search(EVENTS_OF_A_BAR, staff("view_finding").get(PAGE, {"span": "1h"}).content.decode())


def test_every_chart_has_a_table_of_the_same_figures(admin_client, bad_day):
    page = admin_client.get(PAGE, {"span": "1h"}).content.decode()
    table = page[page.index("As a table") : page.index("loopwatch-impact")]
    assert [" ".join(cell.split()) for cell in re.findall(r"<td[^>]*>([^<]*)</td>", table)] == [
        "2", "400 ms", "8", "310 ms", "25 %",
    ]  # fmt: skip
    assert len(re.findall(r'<svg class="loopwatch-bars[^>]* aria-labelledby=', page)) == 2


def test_machine_stalls_are_shown_separately(admin_client):
    stored_loop_time(start=MINUTE, machine_us=9_000_000, longest_us=9_000_000)
    text = text_of(admin_client.get(PAGE))
    assert "machine stalls 9.0 s not caused by any call" in text
    assert "No stalls: the loop served every request in time." in text


def test_a_site_without_data_checks_its_setup_from_the_process_that_serves_the_page(
    admin_client, settings, monkeypatch
):
    settings.LOOPWATCH = {"SINKS": ["log"]}
    text = text_of(admin_client.get(PAGE))
    for said in (
        "○ This process is not watched.",
        "○ Stalls are not stored.",
        "○ The live page is not",
        "○ RELEASE is not",
    ):
        assert said in text
    settings.LOOPWATCH = {"THRESHOLD_MS": 80, "RELEASE": "1.5"}
    monkeypatch.setattr(site_monitor, "stats", lambda: Stats(loops=1))
    text = text_of(admin_client.get(PAGE))
    for said in ("✓ This process is watched; the threshold is 80 ms.", "✓ Stalls are stored", "✓ The release is 1.5."):
        assert said in text
    stored_finding()
    assert "This process is watched; the threshold" not in text_of(admin_client.get(PAGE))


@pytest.mark.parametrize(
    ("loopwatch", "said"),
    [
        ({}, "it had no requests, or it is not watched. To watch it, wrap the ASGI application"),
        ({"ENABLED": False}, 'switched off on this site. Enable it in the settings: LOOPWATCH = {"ENABLED": True}'),
        ({"ENABLED": 0}, "switched off"),
        ({"SINKS": ["log"]}, 'nothing is stored. Add it: LOOPWATCH = {"SINKS": [..., "database"]}'),
        ({"ENABLED": 0.1}, "ENABLED in the settings selects some processes"),
        ({"ENABLED": lambda: False}, "ENABLED in the settings selects some processes"),
    ],
)
@pytest.mark.parametrize("page", [PAGE, WAITS])
def test_a_page_without_data_says_why(admin_client, settings, loopwatch, said, page):
    settings.LOOPWATCH = loopwatch
    text = html.unescape(text_of(admin_client.get(page)))
    assert said in text
    assert ("wrap the ASGI application" in text) is not loopwatch


def test_a_page_served_by_a_watched_process_does_not_ask_for_what_is_done(admin_client, monkeypatch):
    monkeypatch.setattr(site_monitor, "stats", lambda: Stats(loops=1))
    for page in (PAGE, WAITS):
        text = text_of(admin_client.get(page))
        assert "The process that serves this page is watched." in text
        assert "wrap the ASGI application" not in text


def test_thread_waits_that_are_not_measured_are_not_none(admin_client, settings):
    stored_loop_time(start=MINUTE)
    assert "No call waited long for a thread." in text_of(admin_client.get(WAITS))
    settings.LOOPWATCH = {"THREAD_WAITS": False}
    text = text_of(admin_client.get(WAITS))
    assert "Thread waits are not measured on this site." in text
    assert "No call waited" not in text


def test_the_worst_pause_leads_to_its_event(admin_client, staff):
    stored_loop_time(start=MINUTE, events=1, longest_us=3_700_000)
    event = stored_event(stored_finding(), started_at=MINUTE, step_us=3_700_000)
    url = reverse("admin:loopwatch_blockingevent_change", args=[event.pk])
    assert f'<a href="{url}?span=24h">' in admin_client.get(PAGE).content.decode()
    assert url not in staff("view_finding").get(PAGE).content.decode()


@pytest.mark.parametrize("span", SPANS)
def test_the_time_axis_ends_now(admin_client, bad_day, span):
    page = admin_client.get(PAGE, {"span": span})
    assert page.context["chart"].ticks[-1] == "now"


def test_without_busy_times_there_is_no_chart_of_them(admin_client):
    stored_loop_time(start=MINUTE, events=1, blocked_us=9, busy_us=None)
    page = admin_client.get(PAGE).content.decode()
    assert "loopwatch-busy" not in page
    assert "of a loop" not in page


@pytest.mark.parametrize("query", [*SPANS, "bogus", "", "\0", "<script>", "9" * 500])
def test_every_span_has_a_page_and_an_unknown_one_is_the_default(admin_client, bad_day, query):
    page = admin_client.get(PAGE, {"span": query})
    assert page.status_code == 200
    assert page.context["span"].key == (query if query in SPANS else "24h")
    assert page.content.decode().count(f'href="?span={page.context["span"].key}" aria-current="page"') == 1


def test_the_overview_needs_the_same_few_queries_at_any_size(admin_client, django_assert_max_num_queries):
    def fill(number):
        for each in range(number):
            finding = stored_finding(function=f"f{number}_{each}", first_seen=MINUTE)
            stored_hour(finding, 60, hour=HOUR, route=f"{each}/")
            stored_route(start=HOUR, route=f"{number}_{each}/", blocked_us=1, waited_us=1)
            stored_loop_time(start=MINUTE, process_id=number * 100 + each, events=1, longest_us=1)
            stored_health(process_id=number * 100 + each)

    for number in (1, 40):
        fill(number)
        for span in SPANS:
            with django_assert_max_num_queries(12):
                admin_client.get(PAGE, {"span": span})


def test_the_overview_links_to_the_thread_waits_of_its_span(admin_client, staff):
    link = reverse("admin:loopwatch_threadwaittotal_changelist") + "?span=7d"
    assert link in admin_client.get(PAGE, {"span": "7d"}).content.decode()
    assert link not in staff("view_finding").get(PAGE, {"span": "7d"}).content.decode()
