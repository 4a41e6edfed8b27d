"""Only staff with every permission that a page needs may read it."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from tests.stored import stored_event, stored_finding, stored_health

pytestmark = pytest.mark.django_db

FINDINGS, EVENTS = {"view_finding"}, {"view_blockingevent"}
PAGES = {
    "overview/": FINDINGS,
    "overview/releases/": FINDINGS,
    "overview/route/?route=pay/": FINDINGS | EVENTS,
    "finding/": FINDINGS,
    "finding/{finding}/change/": FINDINGS,
    "finding/{finding}/markdown/": FINDINGS,
    "finding/export/csv/": FINDINGS,
    "finding/export/json/": FINDINGS,
    "finding/export/speedscope/": FINDINGS | EVENTS,
    "finding/export/collapsed/": FINDINGS | EVENTS,
    "finding/{finding}/flame/drawing/": FINDINGS | EVENTS,
    "finding/{finding}/flame/speedscope/": FINDINGS | EVENTS,
    "blockingevent/": EVENTS,
    "blockingevent/{event}/change/": EVENTS,
    "blockingevent/export/csv/": EVENTS,
    "blockingevent/export/json/": EVENTS,
    "blockingevent/{event}/flame/drawing/": EVENTS,
    "processhealth/": {"view_processhealth"},
    "processhealth/{health}/change/": {"view_processhealth"},
    "threadwaittotal/": {"view_threadwaittotal"},
    "live/": EVENTS,
    "live/finding/{fingerprint}/": EVENTS,
    "live/finding/of-none/": EVENTS,
}
NEVER_ADDED = ("finding", "blockingevent", "processhealth")


@pytest.fixture(params=PAGES)
def page(request):
    finding = stored_finding()
    rows = {"finding": finding.pk, "event": stored_event(finding).pk, "health": stored_health().pk}
    rows["fingerprint"] = finding.fingerprint
    return "/admin/loopwatch/" + request.param.format_map(rows), PAGES[request.param]


def test_anonymous_users_are_redirected_to_the_login(client, page):
    assert reverse("admin:login") in client.get(page[0])["Location"]


def test_staff_with_the_permissions_that_a_page_needs_may_read_it(staff, page):
    address, needed = page
    response = staff(*needed).get(address)
    assert response.status_code in (200, 302)
    assert reverse("admin:login") not in response.headers.get("Location", "")


def test_staff_without_a_permission_that_a_page_needs_may_not_read_it(client, django_user_model, page):
    address, needed = page
    user = django_user_model.objects.create_user("ada", is_staff=True)
    client.force_login(user)
    for missing in needed:
        user.user_permissions.set(Permission.objects.filter(codename__startswith="view_").exclude(codename=missing))
        assert client.get(address).status_code == 403


@pytest.mark.parametrize("model", NEVER_ADDED)
def test_nothing_can_be_added(admin_client, model):
    assert admin_client.get(reverse(f"admin:loopwatch_{model}_add")).status_code == 403
