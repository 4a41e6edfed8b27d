import html
import re
from datetime import timedelta

import pytest
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from tests.stored import NOON, stored_event, stored_finding, stored_hour, stored_stack

pytestmark = pytest.mark.django_db
SLEEP = ("shop/views.py", "checkout", 4, 10, 25, 1, "nap = time.sleep(0.1)")


@pytest.fixture
def shop(settings, tmp_path):
    """The site's own source, in which line 4 makes the call."""
    settings.BASE_DIR = tmp_path
    (tmp_path / "shop").mkdir()
    source = tmp_path / "shop" / "views.py"
    source.write_text("import time\n\nasync def checkout(request):\n    nap = time.sleep(0.1)\n")
    return source


def page_url(finding):
    return reverse("admin:loopwatch_finding_change", args=[finding.pk])


def page_of(client, finding):
    response = client.get(page_url(finding))
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_of_a_finding_shows_call_place_cause_and_certainty(admin_client):
    finding = stored_finding(
        events=412, events_thinned=362, blocked_us=184_000_000, requests_delayed=37, delay_us=90_000_000, exact=False
    )
    page = page_of(admin_client, finding)
    for part in ("time.sleep(0.1)", "shop.views.checkout", "shop/views.py:41", "Waiting.", "The call is likely"):
        assert part in page
    for part in ("3 min 4 s", ">412<", "362 without stored details", ">37<", "by 1 min 30 s in total"):
        assert part in page


def test_pages_show_requests_kept_out_beside_those_in_flight_as_an_estimate(admin_client):
    figures = {"requests_delayed": 37, "requests_kept_out": 97, "kept_out_us": 4_000_000}
    finding = stored_finding(**figures)
    event = stored_event(finding, **figures)
    event_page = admin_client.get(reverse("admin:loopwatch_blockingevent_change", args=[event.pk]))
    for page in (page_of(admin_client, finding), event_page.content.decode()):
        assert ">37 + ~97<" in page
        assert "about 97 kept out, for 4.0 s in total (estimate)" in page


@pytest.mark.parametrize(
    ("exact", "blocking_call", "said"),
    [
        (True, "time.sleep", "The call is exact."),
        (False, "time.sleep", "The call is likely; only"),
        (False, "shop.views.checkout", "Only the function is certain"),
    ],
)
def test_pages_say_how_certain_the_call_is(admin_client, exact, blocking_call, said):
    finding = stored_finding(exact=exact, blocking_call=blocking_call)
    event = stored_event(finding, exact=exact)
    event_page = admin_client.get(reverse("admin:loopwatch_blockingevent_change", args=[event.pk]))
    for page in (page_of(admin_client, finding), event_page.content.decode()):
        assert said in page


def test_pages_agree_on_a_call_that_is_exact_in_some_events(admin_client):
    """The finding has the certainty of its newest event, but has others too."""
    finding = stored_finding(exact=False)
    events = [stored_event(finding, exact=exact) for exact in (True, True, False)]
    urls = [reverse("admin:loopwatch_blockingevent_change", args=[event.pk]) for event in events]
    exact, _, likely = (" ".join(admin_client.get(url).content.decode().split()) for url in urls)
    assert "The call is exact. In the newest event of this finding, only the function is certain." in exact
    assert "The call is likely; only the function is certain. </p>" in likely
    assert "The call is exact in 2 of the newest 3 events" in page_of(admin_client, finding)

    finding.exact = True
    finding.save()
    likely = " ".join(admin_client.get(urls[2]).content.decode().split())
    assert "only the function is certain. In the newest event of this finding, the call is exact." in likely
    events[2].delete()
    finding.exact = False
    finding.save()
    assert "The call is exact." in page_of(admin_client, finding)


def test_the_lines_around_the_call_are_read_from_the_current_file(admin_client, shop):
    finding = stored_finding(lineno=4)
    stored_event(finding, lineno=4, stacks=stored_stack(SLEEP))
    page = page_of(admin_client, finding)
    assert "<code>async def checkout(request):</code>" in page
    assert "<code>    nap = <mark>time.sleep(0.1)</mark></code>" in page


def test_without_a_stack_the_stored_line_is_shown(admin_client, shop):
    page = page_of(admin_client, stored_finding(lineno=99))
    assert "the line of the call was not stored" in page
    assert "<mark>time.sleep(0.1)</mark>" in page


def test_the_call_is_rewritten_if_that_is_certain(admin_client, shop):
    finding = stored_finding(lineno=4)
    stored_event(finding, lineno=4, stacks=stored_stack(SLEEP))
    page = page_of(admin_client, finding)
    assert "import asyncio\n\nnap = <ins>await asyncio.sleep(0.1)</ins></code>" in page


def test_the_advice_and_the_rewritten_call_are_for_the_same_call(admin_client, shop):
    shop.write_text("import requests\nasync def checkout(request):\n    # again\n    got = requests.get(url)\n")
    finding = stored_finding(lineno=4, blocking_call="time.sleep")
    call = ("shop/views.py", "checkout", 4, 10, 27, 1, "got = requests.get(url)")
    event = stored_event(finding, lineno=4, called_name="requests.get", stacks=stored_stack(call))
    event_page = admin_client.get(reverse("admin:loopwatch_blockingevent_change", args=[event.pk]))
    for page in (page_of(admin_client, finding), event_page.content.decode()):
        assert "got = <ins>await asyncio.to_thread(requests.get, url)</ins>" in page
        assert "asynchronous HTTP client" in page
        assert "asyncio.sleep" not in page


@pytest.mark.parametrize(
    ("source", "columns"),
    [("def checkout(request):", {}), ("async def checkout(request):", {"exact": False})],
)
def test_the_call_is_not_rewritten_if_that_is_uncertain(admin_client, shop, source, columns):
    shop.write_text(shop.read_text().replace("async def checkout(request):", source))
    finding = stored_finding(lineno=4)
    stored_event(finding, lineno=4, stacks=stored_stack(SLEEP), **columns)
    page = page_of(admin_client, finding)
    assert "<mark>time.sleep(0.1)</mark>" in page
    assert "<ins>" not in page
    assert "await asyncio.sleep(seconds)" in page


def test_for_a_call_in_a_plain_function_the_nearest_caller_that_can_await_is_shown(admin_client, shop):
    helper = shop.with_name("helper.py")
    helper.write_text("def nap():\n    time.sleep(0.1)\n")
    shop.write_text("async def checkout(request):\n    total = helper.nap()\n")
    finding = stored_finding(filename="shop/helper.py", lineno=2)
    caller = ("shop/views.py", "checkout", 2, 12, 24, 1, "total = helper.nap()")
    call = ("shop/helper.py", "nap", 2, 4, 19, 1, "time.sleep(0.1)")
    stored_event(finding, lineno=2, stacks=stored_stack(caller, call))
    advice = page_of(admin_client, finding).partition('id="loopwatch-awaiting"')[2]
    assert advice.index("shop.views.checkout") < advice.index("total = <mark>helper.nap()</mark>")
    helper.write_text("async def nap():\n    time.sleep(0.1)\n")
    page = page_of(admin_client, finding)
    assert "loopwatch-awaiting" not in page
    assert "<ins>await asyncio.sleep(0.1)</ins>" in page


def test_no_caller_that_can_await_is_shown_if_its_file_has_changed(admin_client, shop):
    shop.write_text("async def checkout(request):\n    something = different()\n")
    shop.with_name("helper.py").write_text("def nap():\n    time.sleep(0.1)\n")
    finding = stored_finding(filename="shop/helper.py", lineno=2)
    caller = ("shop/views.py", "checkout", 2, 12, 24, 1, "total = helper.nap()")
    call = ("shop/helper.py", "nap", 2, 4, 19, 1, "time.sleep(0.1)")
    stored_event(finding, lineno=2, stacks=stored_stack(caller, call))
    page = page_of(admin_client, finding)
    assert "<mark>time.sleep(0.1)</mark>" in page
    assert "loopwatch-awaiting" not in page


def test_a_finding_without_events_has_the_advice_for_its_call(admin_client):
    finding = stored_finding(blocking_call="time.sleep")
    assert "asyncio.sleep()" in page_of(admin_client, finding)


def test_the_advice_depends_on_the_called_name(admin_client):
    finding = stored_finding(blocking_call="acme.fetch")
    assert "Await an asynchronous alternative" in page_of(admin_client, finding)
    stored_event(finding, called_name="requests.get", stacks=stored_stack(SLEEP))
    assert "httpx" in page_of(admin_client, finding)


def test_callers_releases_and_the_merged_stacks_are_on_the_page(admin_client):
    finding = stored_finding()
    stored_hour(finding, 60, release="2026.11")
    for _ in range(2):
        stored_event(finding, stacks=stored_stack(SLEEP))
    stored_event(finding)
    page = page_of(admin_client, finding)
    assert "Sampled stacks of the newest 2 events" in page
    assert "1 more has no stack" in page
    callers = page.partition('id="loopwatch-callers"')[2]
    assert "shop.views.checkout</code>" in callers
    assert "shop/views.py:4<" in callers
    assert "<code>2026.11</code>" in page.partition('id="loopwatch-releases"')[2]


def test_the_page_of_a_finding_says_if_there_are_no_stacks(admin_client):
    page = page_of(admin_client, stored_finding())
    assert "No stack is stored." in page
    assert "No stored stack has an in-app frame" in page
    assert "data-drawing" not in page


def test_routes_have_their_shares_most_blocked_first(admin_client):
    finding = stored_finding()
    stored_hour(finding, 300, route="slow/", requests_delayed=5)
    stored_hour(finding, 100, method="", route="")
    page = page_of(admin_client, finding)
    assert page.index("GET slow/") < page.index("no route")
    assert "75 %" in page
    assert "25 %" in page


@pytest.fixture
def present(monkeypatch):
    """Stop Django's clock: the hour must not change between what a test stores and the page that it reads."""
    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)
    return moment


def test_the_trend_draws_the_hours_of_the_last_week(admin_client, present):
    finding = stored_finding()
    now = present.replace(minute=0, second=0, microsecond=0)
    stored_hour(finding, 100, hour=now)
    stored_hour(finding, 50, hour=now - timedelta(hours=2))
    stored_hour(finding, 50, hour=now - timedelta(hours=2), route="other/")
    stored_hour(finding, 10, hour=now - timedelta(days=8))
    stored_hour(finding, 10, hour=now + timedelta(hours=1))
    trend = admin_client.get(page_url(finding)).context["page"].trend
    assert [(bar.x, bar.y, bar.height, bar.events) for bar in trend.bars] == [(165, 0, 60, 2), (167, 0, 60, 1)]
    assert page_of(admin_client, finding).count("<rect x=") == 2


def test_an_hour_of_the_trend_leads_to_its_events(admin_client, staff, present):
    finding = stored_finding()
    now = present.replace(minute=0, second=0, microsecond=0)
    stored_hour(finding, 100, 90, hour=now)
    inside = stored_event(finding, started_at=now)
    stored_event(finding, started_at=now - timedelta(hours=1))
    stored_event(stored_finding(), started_at=now)
    (url,) = set(re.findall(r'<a href="([^"]*/blockingevent/[?][^"]*from=[^"]*)"', page_of(admin_client, finding)))
    response = admin_client.get(html.unescape(url))
    assert [event.pk for event in response.context["cl"].result_list] == [inside.pk]
    assert "2 stalls, 1 of them stored in detail." in " ".join(response.content.decode().split())
    assert "/blockingevent/" not in page_of(staff("view_finding"), finding)


def test_a_drawing_keeps_its_numbers_in_every_language(admin_client, present):
    finding = stored_finding(pk=1_234_567)
    stored_hour(finding, *[5_000.5] * 9, hour=present)
    stored_event(finding, pk=7_654_321)
    with override_settings(LANGUAGE_CODE="de", USE_THOUSAND_SEPARATOR=True):
        page = page_of(admin_client, finding)
    assert 'x="167" y="0" width="1" height="60"' in page
    assert "1.234.567" not in page
    assert "/7654321/" in page


def test_events_are_the_slowest_and_the_newest_of_this_finding(admin_client):
    finding = stored_finding()
    for number in range(60):
        stored_event(finding, duration_us=number * 1000, started_at=NOON - timedelta(minutes=number))
    other = stored_event(stored_finding(), duration_us=10**9, started_at=NOON + timedelta(days=1))
    page = admin_client.get(page_url(finding)).context["page"]
    assert [event.duration_us for event in page.slowest] == [number * 1000 for number in range(59, 34, -1)]
    assert [event.started_at for event in page.newest] == [NOON - timedelta(minutes=number) for number in range(25)]
    assert reverse("admin:loopwatch_blockingevent_change", args=[other.pk]) not in page_of(admin_client, finding)


def test_the_page_of_a_finding_works_without_use_tz(admin_client, settings):
    settings.USE_TZ = False
    naive = NOON.replace(tzinfo=None)
    finding = stored_finding(first_seen=naive, last_seen=naive)
    stored_event(finding, started_at=naive, stacks=stored_stack(SLEEP))
    stored_hour(finding, 60, hour=naive, release="1.0")
    assert "<code>1.0</code>" in page_of(admin_client, finding)


def test_few_events_are_listed_only_once(admin_client):
    finding = stored_finding()
    for number in range(3):
        stored_event(finding, duration_us=100_000 - number)
    page = page_of(admin_client, finding)
    assert "Slowest events" in page
    assert "Newest events" not in page
    for number in range(25):
        stored_event(finding, duration_us=90_000 - number)
    assert "Newest events" in page_of(admin_client, finding)


def test_the_page_of_a_finding_needs_a_bounded_number_of_queries(admin_client, django_assert_max_num_queries):
    finding = stored_finding()
    for number in range(60):
        stored_event(finding)
        stored_hour(finding, 60, route=f"{number}/")
    with django_assert_max_num_queries(11):
        page = page_of(admin_client, finding)
    assert "10 more with less blocked time" in page


def test_the_history_of_a_finding_is_linked_for_everybody_who_may_view_it(viewer):
    finding = stored_finding()
    url = reverse("admin:loopwatch_finding_history", args=[finding.pk])
    assert f'href="{url}"' in page_of(viewer, finding)
    assert viewer.get(url).status_code == 200


def test_the_events_of_a_finding_need_the_permission_to_view_events(staff):
    finding = stored_finding()
    stored_event(finding, host="secret-host", stacks=stored_stack(("secret.py", "secret", 4, 0, 0, 1, "")))
    response = staff("view_finding").get(page_url(finding))
    assert "secret" not in response.content.decode()
    assert response.context["page"].newest == response.context["page"].slowest == []
