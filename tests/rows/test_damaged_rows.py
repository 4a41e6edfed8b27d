"""Only the damaged part of a row is lost: pages and reports say so, and the writer goes on."""

import io
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import JSONField, Value
from django.urls import reverse

from loopwatch.models import BlockingEvent, Finding
from tests.recorder.calls import blocking_call
from tests.stored import stored_event, stored_finding, stored_health, stored_stack

FRAME = ("shop/views.py", "checkout", 2, 7, 22, 1, "nap = time.sleep(0.1)")
HUGE = stored_stack(FRAME) | {"samples": [[1e308, [0]], [1e308, [0]]]}
UNREADABLE = {
    "nested": "[" * 5_000 + "]" * 5_000,
    "digits": f"[{'1' * 5_000}]",
}


@pytest.fixture
def damaged(db):
    """Stores a finding with a readable and a damaged event."""
    finding = stored_finding(events=2)
    stored_event(finding, stacks=stored_stack(FRAME))
    return stored_event(finding, stacks=HUGE, contributions="junk", delayed_routes=[["GET", "a/", 1e308]])


def page_of(client, row, name):
    response = client.get(reverse(f"admin:loopwatch_{name}_change", args=[row.pk]))
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_of_a_damaged_event_says_so(admin_client, damaged):
    assert "cannot be read and is omitted" in page_of(admin_client, damaged, "blockingevent")
    whole = BlockingEvent.objects.exclude(pk=damaged.pk).get()
    assert "cannot be read" not in page_of(admin_client, whole, "blockingevent")


def test_the_page_of_a_finding_counts_its_damaged_events(admin_client, damaged):
    page = page_of(admin_client, damaged.finding, "finding")
    assert "The stacks of 1 event cannot be read" in page
    assert "shop.views.checkout" in page


def printed(*arguments):
    """Return the report and its remarks."""
    stdout, stderr = io.StringIO(), io.StringIO()
    call_command("loopwatch_report", *arguments, stdout=stdout, stderr=stderr)
    return stdout.getvalue(), stderr.getvalue()


@pytest.mark.parametrize("form", ["drawing", "speedscope", "collapsed"])
@pytest.mark.parametrize("of", ["finding", "blockingevent"])
def test_flame_graphs_are_made_without_damaged_events(admin_client, damaged, of, form):
    row = damaged if of == "blockingevent" else damaged.finding
    assert admin_client.get(reverse(f"admin:loopwatch_{of}_flame", args=[row.pk, form])).status_code == 200


@pytest.mark.parametrize("form", ["collapsed", "speedscope"])
def test_a_report_of_stacks_counts_damaged_events(damaged, form):
    text, remarks = printed("--format", form, "--status", "all")
    assert "shop.views.checkout" in text
    assert "Stacks of 1 event cannot be read" in remarks


def test_health_leaves_out_damaged_errors(admin_client, db):
    stored_health(errors={"log": 1e308, "database": 3})
    assert "database 3" in admin_client.get(reverse("admin:loopwatch_processhealth_changelist")).content.decode()
    assert "database 3" in printed()[0]


@pytest.mark.parametrize("releases", [Value(None, JSONField()), 7, {"1.4": 1}, "1.4.2"], ids=str)
def test_the_writer_goes_on_where_the_releases_of_a_finding_are_damaged(recorder_of, transactional_db, releases):
    call = blocking_call()
    finding = stored_finding(
        fingerprint=call.fingerprint,
        status=Finding.Status.RESOLVED,
        reopen_when=Finding.ReopenWhen.NEW_RELEASE,
        known_releases=releases,
    )
    recorder = recorder_of(release="1.4.2")
    recorder.put(call)
    assert recorder.flush(30)
    finding.refresh_from_db()
    assert (finding.events, finding.status) == (2, Finding.Status.OPEN)
    assert recorder.stats().errors == {}


@pytest.fixture
def unchecked(db):
    """Lets SQLite store JSON that only PostgreSQL and MySQL accept."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        yield cursor
        cursor.execute("PRAGMA ignore_check_constraints = OFF")


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_json_that_python_refuses_is_damage_like_any_other(admin_client, damaged, unchecked, text):
    for column in ("stacks", "contributions", "delayed_routes"):
        unchecked.execute(f"UPDATE loopwatch_blockingevent SET {column} = %s WHERE id = %s", [text, damaged.pk])
    assert "cannot be read and is omitted" in page_of(admin_client, damaged, "blockingevent")
    assert "shop.views.checkout" in printed("--format", "collapsed", "--status", "all")[0]
    assert admin_client.get(reverse("admin:loopwatch_blockingevent_changelist")).status_code == 200


def test_half_a_surrogate_pair_is_shown_as_a_question_mark_and_a_whole_one_as_it_is(admin_client, db):
    """PostgreSQL stores no half."""
    finding = stored_finding()
    stacks = stored_stack(("shop/views.py", "checkout", 2, 7, 22, 1, "\udc80 \N{GRINNING FACE}"))
    event = stored_event(finding, stacks=stacks, delayed_routes=[["GET", "\ud800/", 2]])
    assert "? \N{GRINNING FACE}" in page_of(admin_client, event, "blockingevent")
    assert page_of(admin_client, finding, "finding")


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("year", [1, 9999])
def test_rows_of_an_end_of_the_calendar_are_shown(admin_client, damaged, settings, zone, year):
    settings.TIME_ZONE = zone
    at = datetime(year, 1, 1, tzinfo=UTC) if year == 1 else datetime(year, 12, 31, 23, tzinfo=UTC)
    Finding.objects.update(first_seen=at, last_seen=at, status_changed_at=at)
    BlockingEvent.objects.update(started_at=at)
    assert str(BlockingEvent.objects.get(pk=damaged.pk))
    for of in ("blockingevent", "finding"):
        assert admin_client.get(reverse(f"admin:loopwatch_{of}_changelist")).status_code == 200
    assert "shop.views.checkout" in page_of(admin_client, damaged, "blockingevent")
    assert "shop.views.checkout" in page_of(admin_client, damaged.finding, "finding")
    for form in ("text", "markdown", "html", "json"):
        assert "checkout" in printed("--format", form, "--status", "all")[0]
