"""A finding leads to its code, and can be taken along."""

import pytest
from django.urls import reverse

from loopwatch.admin import finding_admin
from loopwatch.models import Finding
from tests.stored import stored_finding, stored_hour

pytestmark = pytest.mark.django_db


def test_code_of_the_site_links_to_its_source(admin_client, settings):
    finding = stored_finding(filename="shop/my views.py", lineno=1041, last_release="1.5/b")
    page = reverse("admin:loopwatch_finding_change", args=[finding.pk])
    assert "https://git.example" not in admin_client.get(page).content.decode()
    settings.LOOPWATCH = {"SOURCE_URL": "https://git.example/{release}/{path}#L{line}", "RELEASE": "1.6"}
    assert 'href="https://git.example/1.5%2Fb/shop/my%20views.py#L1041"' in admin_client.get(page).content.decode()
    Finding.objects.update(last_release="")
    assert 'href="https://git.example/1.6/' in admin_client.get(page).content.decode()


def test_a_finding_can_be_had_as_markdown(admin_client):
    finding = stored_finding(events=3, status="ignored", longest_us=300_000, function="shop.views.<b>")
    stored_hour(finding, 100, 100, 300, route="pay/")
    address = reverse("admin:loopwatch_finding_markdown", args=[finding.pk])
    assert address in admin_client.get(reverse("admin:loopwatch_finding_change", args=[finding.pk])).content.decode()
    response = admin_client.get(address)
    text = response.content.decode()
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert text.startswith("### time.sleep blocks the event loop")
    for part in (
        "3 times, for up to 300 ms",
        "`shop/views.py:41`",
        f"/finding/{finding.pk}/change/>",
        r"shop.views.\<b\>",
    ):
        assert part in text


def test_a_finding_that_is_deleted_while_its_markdown_is_written_is_not_found(admin_client, monkeypatch):
    finding, reported = stored_finding(), finding_admin.reported

    def reported_too_late(*args):
        Finding.objects.all().delete()
        return reported(*args)

    monkeypatch.setattr(finding_admin, "reported", reported_too_late)
    assert admin_client.get(reverse("admin:loopwatch_finding_markdown", args=[finding.pk])).status_code == 404
