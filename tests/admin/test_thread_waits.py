import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from loopwatch.admin import thread_wait_admin
from tests.stored import stored_loop_time, stored_wait

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:loopwatch_threadwaittotal_changelist")
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
SAVE = "chat.consumers.Chat.save"


def text_of(page):
    return " ".join(re.sub(r"<[^>]*>", "", re.sub(r"<(/t|/?span)[^>]*>", " ", page.content.decode())).split())


def test_the_app_leads_to_it(admin_client):
    assert f'href="{PAGE}"' in admin_client.get(reverse("admin:app_list", args=["loopwatch"])).content.decode()


def test_the_page_of_thread_waits_shows_times_holders_and_routes(admin_client):
    stored_wait(SAVE, 100, 50, hour=HOUR, most_waiting=2)
    stored_wait("shop.views.count", 400, hour=HOUR, thread="request", held_for="GET shop/", method="GET", route="shop/")
    text = text_of(admin_client.get(PAGE))
    assert "3 calls waited 550 ms in total for a thread, the longest 400 ms, at most 2 at the same time." in text
    assert "shop.views.count for GET shop/ in the request's own thread GET shop/ 400 ms 1 1 400 ms" in text
    assert f"{SAVE} for WebSocket ws/chat/ in the process's thread WebSocket ws/chat/ 150 ms 2 2 100 ms" in text
    assert text.index("shop.views.count") < text.index(SAVE)


def test_calls_that_held_threads_of_the_default_executor_are_distinguished(admin_client):
    stored_wait("shop.reports.render", 100, hour=HOUR, thread="executor", threads=6, threads_held=4)
    stored_wait("shop.mail.send", 50, hour=HOUR, thread="executor", threads=1)
    text = text_of(admin_client.get(PAGE))
    assert "shop.reports.render for WebSocket ws/chat/ in 4 of the default executor's 6 threads" in text
    assert "shop.mail.send for WebSocket ws/chat/ in the default executor's only thread" in text


def test_an_unknown_holder_of_a_thread_is_called_unknown(admin_client):
    stored_wait("", 100, hour=HOUR, held_for="", method="", route="")
    assert "unknown in the process's thread outside of requests 100 ms 1 1 100 ms" in text_of(admin_client.get(PAGE))


def test_only_thread_waits_of_the_span_are_shown(admin_client):
    stored_wait(SAVE, 100, hour=HOUR - timedelta(days=3))
    stored_loop_time(start=HOUR)
    assert "No call waited" in text_of(admin_client.get(PAGE))
    assert "1 call waited 100 ms" in text_of(admin_client.get(PAGE, {"span": "7d"}))


def test_the_page_says_how_long_thread_waits_are_kept(admin_client, settings):
    settings.LOOPWATCH = {"EVENTS_KEPT_DAYS": 14}
    assert "totals are kept per hour, for 14 days." in text_of(admin_client.get(PAGE, {"span": "1y"}))
    settings.LOOPWATCH = {"EVENTS_KEPT_DAYS": 1}
    assert "totals are kept per hour, for one day." in text_of(admin_client.get(PAGE))


@pytest.mark.parametrize("span", ["", "forever", "<script>"])
def test_an_unknown_span_of_thread_waits_is_the_default(admin_client, span):
    page = admin_client.get(PAGE, {"span": span})
    assert page.status_code == 200
    assert "<script>" not in page.content.decode()


def test_thread_waits_beyond_the_limit_are_counted(admin_client, monkeypatch):
    monkeypatch.setattr(thread_wait_admin, "SHOWN", 1)
    for number in range(3):
        stored_wait(f"views.view_{number}", 100, hour=HOUR)
    text = text_of(admin_client.get(PAGE))
    assert "3 calls" in text
    assert "2 more with less time each" in text


def test_more_thread_waits_need_no_more_queries(admin_client, django_assert_max_num_queries):
    for number in range(30):
        stored_wait(f"views.view_{number}", 100, hour=HOUR - timedelta(hours=number % 5))
    with django_assert_max_num_queries(6):
        admin_client.get(PAGE)


def test_ongoing_thread_waits_are_shown_as_ongoing(admin_client):
    stored_wait(SAVE, 120_000, hour=HOUR, waits=0, waited_us=0)
    assert "0 ms 0 ongoing 1 2 min" in text_of(admin_client.get(PAGE))
