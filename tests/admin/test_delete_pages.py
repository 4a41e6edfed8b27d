"""The page of a row and the action of its list delete it, also while the recorder writes."""

import sqlite3
from contextlib import closing

import pytest
from django.contrib.admin.models import LogEntry
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from loopwatch.admin.row_locks import locked
from loopwatch.models import BlockingEvent, Finding, HourlyTotal
from tests.databases import on_postgresql, on_sqlite
from tests.stored import stored_event, stored_finding, stored_health, stored_hour

pytestmark = pytest.mark.django_db


def delete_url(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_delete", args=[row.pk])


def by_its_page(client, row):
    return client.post(delete_url(row), {"post": "yes"})


def by_the_action(client, row):
    url = reverse("admin:loopwatch_finding_changelist")
    return client.post(url, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})


every_way = pytest.mark.parametrize(
    ("stored", "delete"),
    [
        pytest.param(stored_finding, by_its_page, id="a finding"),
        pytest.param(lambda: stored_event(stored_finding()), by_its_page, id="an event"),
        pytest.param(stored_health, by_its_page, id="a process"),
        pytest.param(stored_finding, by_the_action, id="selected findings"),
    ],
)


def begin_of_deleting(row, client, database, delete):
    """Delete the row, and return the first statement of the first transaction."""
    with CaptureQueriesContext(database) as queries:
        assert delete(client, row).status_code == 302
    assert not type(row).objects.filter(pk=row.pk).exists()
    statements = [each["sql"] for each in queries]
    return statements[statements.index("BEGIN") + 1]


@every_way
@on_sqlite
def test_deleting_a_row_writes_before_it_reads_so_that_the_recorder_cannot_make_it_fail(
    database, admin_client, stored, delete
):
    assert begin_of_deleting(stored(), admin_client, database, delete).startswith("UPDATE")


@on_sqlite
def test_nobody_else_can_begin_to_write_while_rows_are_locked_even_if_there_are_none(database):
    with locked(Finding.objects.all()), closing(sqlite3.connect(database.settings_dict["NAME"], timeout=0)) as recorder:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            recorder.execute("BEGIN IMMEDIATE")
        assert not Finding.objects.exists()


@every_way
@on_postgresql
def test_deleting_a_row_locks_it_before_anything_else(database, admin_client, stored, delete):
    assert begin_of_deleting(stored(), admin_client, database, delete).endswith(" FOR UPDATE")


def test_deleting_a_finding_on_its_page_deletes_its_events_and_totals(admin_client):
    finding = stored_finding()
    stored_event(finding)
    stored_hour(finding, 60)
    page = admin_client.get(delete_url(finding)).content.decode()
    assert "Blocking events: 1" in page
    admin_client.post(delete_url(finding), {"post": "yes"})
    assert [model.objects.count() for model in (Finding, BlockingEvent, HourlyTotal)] == [0, 0, 0]
    assert LogEntry.objects.count() == 1


def test_deleting_needs_the_permission_to_delete(viewer):
    finding = stored_finding()
    assert viewer.post(delete_url(finding), {"post": "yes"}).status_code == 403
    assert Finding.objects.exists()


@pytest.mark.parametrize("key", ["9" * 20, "bogus"])
def test_a_row_that_cannot_exist_is_not_deleted_but_the_index_is_shown(admin_client, key):
    url = reverse("admin:loopwatch_finding_delete", args=[key])
    assert admin_client.post(url, {"post": "yes"})["Location"] == reverse("admin:index")
