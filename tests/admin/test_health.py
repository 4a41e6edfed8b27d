import re
from datetime import timedelta

import pytest
from django.urls import reverse

from loopwatch.models import ProcessHealth
from tests.stored import NOON, stored_event, stored_finding

pytestmark = pytest.mark.django_db
LIST = reverse("admin:loopwatch_processhealth_changelist")


@pytest.fixture
def health():
    return ProcessHealth.objects.create(
        host="web-1",
        process_id=4711,
        release="1.4.2",
        since=NOON,
        reported_at=NOON + timedelta(hours=1),
        seen=1204,
        stored=1199,
        thinned=310,
        withheld=2,
        dropped=3,
        undelivered=7,
        errors={"callback": 5, "database": 11},
        last_error="callback: ValueError at shop/alerts.py:12 in page",
        watchdog_cpu_us=1_500_000,
        writer_cpu_us=300_000,
    )


def test_the_health_page_is_linked_on_the_apps_page(admin_client):
    assert LIST in admin_client.get(reverse("admin:app_list", args=["loopwatch"])).content.decode()


def test_a_process_in_the_list_shows_recorded_and_lost_stalls_and_cpu_time(admin_client, health):
    page = admin_client.get(LIST).content.decode()
    for part in ("web-1 4711", "1.4.2", ">1204<", ">1199<", ">3<", "database 11, callback 5", "1.8 s (0.05 %)"):
        assert part in page


def test_the_page_of_a_process_has_every_count(admin_client, health):
    page = admin_client.get(reverse("admin:loopwatch_processhealth_change", args=[health.pk])).content.decode()
    for part in (">310<", ">7<", ">2<", "ValueError at shop/alerts.py:12 in page", "database 11, callback 5"):
        assert part in page


@pytest.mark.parametrize("errors", [[], "many", {"callback": "many"}, {"<script>": 1}])
def test_invalid_stored_errors_are_not_a_server_error(admin_client, health, errors):
    ProcessHealth.objects.update(errors=errors, since=NOON, reported_at=NOON)
    page = admin_client.get(LIST)
    assert page.status_code == 200
    assert "<script>: 1" not in page.content.decode()


def test_a_search_for_thousands_of_words_is_answered(admin_client, health):
    response = admin_client.get(reverse("admin:loopwatch_processhealth_changelist"), {"q": f"{health.host} " * 5_000})
    assert response.context["cl"].result_count == 1


def test_health_is_read_only(admin_client, health):
    assert admin_client.post(reverse("admin:loopwatch_processhealth_change", args=[health.pk])).status_code == 403


def test_a_longer_list_of_processes_needs_no_more_queries(admin_client, health, django_assert_max_num_queries):
    for number in range(30):
        ProcessHealth.objects.create(host="web-2", process_id=number, since=NOON, reported_at=NOON)
    with django_assert_max_num_queries(7):
        assert admin_client.get(LIST).status_code == 200


def test_the_page_of_a_process_leads_to_its_events(admin_client, staff, health):
    for process_id in (health.process_id, health.process_id + 1):
        stored_event(stored_finding(), host=health.host, process_id=process_id)
    page = reverse("admin:loopwatch_processhealth_change", args=[health.pk])
    url = re.search(r'href="([^"]*[?]host=[^"]*)"', admin_client.get(page).content.decode())[1].replace("&amp;", "&")
    assert [event.process_id for event in admin_client.get(url).context["cl"].result_list] == [health.process_id]
    assert "?host=" not in staff("view_processhealth").get(page).content.decode()
