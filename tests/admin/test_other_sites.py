"""An AdminSite of the site's own, with findings alone, beside one of the same name that has everything."""

import pytest
from django.contrib import admin
from django.urls import path

from loopwatch.admin.finding_admin import FindingAdmin
from loopwatch.models import BlockingEvent, Finding
from tests.stored import stored_event, stored_finding

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

ops = admin.AdminSite(name="admin")
ops.register(Finding, FindingAdmin)
urlpatterns = [path("admin/", admin.site.urls), path("ops/", ops.urls)]


def test_the_index_of_a_site_without_the_overview_lists_its_models(admin_client):
    page = admin_client.get("/ops/loopwatch/").content.decode()
    assert "loopwatch-spans" not in page
    assert "Findings" in page


def test_the_index_of_a_site_with_the_overview_shows_it(admin_client):
    assert "loopwatch-spans" in admin_client.get("/admin/loopwatch/").content.decode()


@pytest.mark.parametrize(("permission", "is_shown"), [("change_finding", True), ("view_processhealth", False)])
def test_the_index_shows_the_overview_to_everybody_who_may_see_it(staff, permission, is_shown):
    assert ("loopwatch-spans" in staff(permission).get("/admin/loopwatch/").content.decode()) is is_shown


def test_a_finding_is_deleted_with_its_events_where_these_have_no_pages(admin_client):
    finding = stored_finding()
    stored_event(finding)
    assert "event" in admin_client.get(f"/ops/loopwatch/finding/{finding.pk}/delete/").content.decode()
    admin_client.post(f"/ops/loopwatch/finding/{finding.pk}/delete/", {"post": "yes"})
    assert not BlockingEvent.objects.exists()
