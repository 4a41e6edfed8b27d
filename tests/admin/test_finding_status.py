"""The buttons of a finding's page change its status, for those who may."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from tests.stored import NOON, stored_finding

pytestmark = pytest.mark.django_db


def page_url(finding):
    return reverse("admin:loopwatch_finding_change", args=[finding.pk])


def status_url(finding):
    return reverse("admin:loopwatch_finding_status", args=[finding.pk])


def page_of(client, finding):
    response = client.get(page_url(finding))
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("status", ["resolved", "ignored"])
def test_the_buttons_change_the_status(staff, status):
    finding = stored_finding(reopened_at=NOON)
    client = staff("view_finding", "change_finding")
    assert f'value="{status}"' in page_of(client, finding)
    response = client.post(status_url(finding), {"status": status})
    assert response["Location"] == page_url(finding)
    finding.refresh_from_db()
    assert (finding.status, finding.status_changed_by, finding.reopened_at) == (status, "ada", None)
    assert status in LogEntry.objects.get().get_change_message()
    page = page_of(client, finding)
    assert f'value="{status}"' not in page
    assert 'value="open"' in page
    assert "ada" in page


def test_the_buttons_keep_the_filters_of_the_list(admin_client):
    finding = stored_finding()
    response = admin_client.post(f"{status_url(finding)}?_changelist_filters=status%3Dall", {"status": "ignored"})
    assert response["Location"] == f"{page_url(finding)}?_changelist_filters=status%3Dall"


@pytest.mark.parametrize("query", ["", "?_changelist_filters=status%3Dall"])
def test_the_address_of_the_buttons_leads_to_the_finding_if_it_is_loaded_again(viewer, query):
    finding = stored_finding()
    response = viewer.get(status_url(finding) + query)
    assert (response.status_code, response["Location"]) == (302, page_url(finding) + query)


def test_users_who_may_only_view_findings_have_no_buttons_and_are_refused(viewer):
    finding = stored_finding()
    page = page_of(viewer, finding)
    assert status_url(finding) not in page
    assert "deletelink" not in page
    assert viewer.post(status_url(finding), {"status": "resolved"}).status_code == 403
    assert viewer.post(page_url(finding), {"status": "resolved"}).status_code == 403
    finding.refresh_from_db()
    assert finding.status == "open"


def test_changing_the_status_needs_a_post_with_a_csrf_token(staff):
    finding = stored_finding()
    client = staff("change_finding", enforce_csrf_checks=True)
    client.get(status_url(finding), {"status": "resolved"})
    assert client.post(status_url(finding), {"status": "resolved"}).status_code == 403
    finding.refresh_from_db()
    assert finding.status == "open"


def test_anonymous_users_are_redirected_to_the_login(client):
    finding = stored_finding()
    assert reverse("admin:login") in client.post(status_url(finding), {"status": "resolved"})["Location"]
    finding.refresh_from_db()
    assert finding.status == "open"


@pytest.mark.parametrize("status", ["", "bogus", "\0"])
def test_an_unknown_status_is_refused(admin_client, status):
    assert admin_client.post(status_url(stored_finding()), {"status": status}).status_code == 400


def test_a_missing_finding_is_not_a_server_error(admin_client):
    url = reverse("admin:loopwatch_finding_status", args=[99])
    assert admin_client.post(url, {"status": "open"}).status_code == 404
    for pk in ("x", "99", "9" * 40):
        assert admin_client.get(reverse("admin:loopwatch_finding_change", args=[pk]), follow=True).status_code == 200
    assert admin_client.post(reverse("admin:loopwatch_finding_status", args=[10**40])).status_code == 404
