"""Findings that are set aside until something happens, and what their pages say about it."""

import re
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from loopwatch.admin.triage import Decision, decide
from loopwatch.models import Finding, ProcessHealth
from loopwatch.rows.details import ENTRIES_LIMIT, read_releases
from tests.databases import on_postgresql, on_sqlite
from tests.stored import NOON, stored_finding, stored_health

pytestmark = pytest.mark.django_db
LIST = reverse("admin:loopwatch_finding_changelist")


@pytest.fixture
def ada(staff):
    return staff("view_finding", "change_finding")


def page_of(finding):
    return reverse("admin:loopwatch_finding_change", args=[finding.pk])


def status_of(finding):
    return reverse("admin:loopwatch_finding_status", args=[finding.pk])


def text_of(response):
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode().replace("<wbr>", "")).split())


CHOICES = [
    ({"choice": "resolved until a new release"}, ("resolved", "new release", "", None)),
    ({"choice": "new release"}, ("ignored", "new release", "", None)),
    ({"choice": "release", "release": "2.0"}, ("ignored", "release", "2.0", None)),
    ({"choice": "longer", "longer": "250.5"}, ("ignored", "longer", "", 250_500)),
    ({"choice": "more", "more": "2000", "longer": "7"}, ("ignored", "more", "", 2_000_000)),
]


@pytest.mark.parametrize(("sent", "stands"), CHOICES)
def test_a_finding_can_be_set_aside_with_each_condition(ada, sent, stands):
    finding = stored_finding(reopened_at=NOON, reopened_release="1", reopened_figure_us=5)
    text = text_of(ada.post(status_of(finding), sent, follow=True))
    finding.refresh_from_db()
    assert (finding.status, finding.reopen_when, finding.reopen_release, finding.reopen_figure_us) == stands
    assert (finding.status_changed_by, finding.reopened_at) == ("ada", None)
    assert (finding.reopened_release, finding.reopened_figure_us) == ("", None)
    assert f"1 finding is now {stands[0]}." in text
    assert "until" in LogEntry.objects.get().get_change_message()


def test_a_user_may_have_a_number_instead_of_a_name(ada, django_user_model, monkeypatch):
    monkeypatch.setattr(django_user_model, "USERNAME_FIELD", "id")
    finding = stored_finding()
    ada.post(status_of(finding), {"status": "resolved"})
    number = str(django_user_model.objects.get(username="ada").pk)
    assert Finding.objects.values_list("status", "status_changed_by").get() == ("resolved", number)


def test_the_known_releases_are_stored_with_the_decision(ada, settings):
    settings.LOOPWATCH = {"RELEASE": "1.4"}
    for minute, release in enumerate(("1.3", "1.4", "1.5")):
        stored_health(release=release, reported_at=NOON + timedelta(minutes=minute))
    finding = stored_finding(first_release="0.9", last_release="1.2")
    ada.post(status_of(finding), {"choice": "new release"})
    finding.refresh_from_db()
    assert finding.known_releases == ["0.9", "1.2", "1.4", "1.5", "1.3"]


def test_of_more_releases_than_are_read_each_finding_knows_its_own_and_the_newest(settings, django_user_model):
    settings.LOOPWATCH = {"RELEASE": "this"}
    for release in ("a", "z"):
        stored_finding(first_release=release, last_release=release)
    ProcessHealth.objects.bulk_create(
        ProcessHealth(release=f"{age}", process_id=age, since=NOON, reported_at=NOON - timedelta(hours=age))
        for age in range(ENTRIES_LIMIT)
    )
    until_a_new_release = Decision(Finding.Status.IGNORED, Finding.ReopenWhen.NEW_RELEASE)
    user = django_user_model.objects.create_user("ada")
    assert len(decide(Finding.objects.all(), until_a_new_release, user, NOON)) == 2
    for finding in Finding.objects.all():
        assert read_releases(finding.known_releases).values[:4] == (finding.first_release, "this", "0", "1")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "This field is required"),
        ({"choice": "release"}, "Enter a release."),
        ({"choice": "longer", "more": "5"}, "Enter a number of milliseconds."),
        ({"choice": "longer", "longer": "a lot"}, "Enter a number"),
        ({"choice": "more", "more": "-5"}, "greater than or equal to 1"),
        ({"choice": "more", "more": "nan"}, "Enter a number"),
        ({"choice": "more", "more": "1e300"}, "less than or equal to"),
        ({"choice": "bogus"}, "not one of the available choices"),
        ({"choice": "release", "release": "x" * 101}, "at most 100 characters"),
        ({"choice": "release", "release": "a\0b"}, "Null characters"),
    ],
)
def test_an_invalid_form_shows_the_mistake_and_changes_nothing(ada, sent, said):
    finding = stored_finding()
    response = ada.post(status_of(finding), sent)
    assert said in text_of(response)
    assert f'href="{page_of(finding)}"' in response.content.decode()
    finding.refresh_from_db()
    assert finding.status == "open"


def test_several_findings_can_be_set_aside_together(ada):
    chosen = [stored_finding(function=f"f{number}") for number in range(3)]
    other = stored_finding()
    data = {"action": "set_aside", "_selected_action": [finding.pk for finding in chosen]}
    asked = ada.post(LIST, data)
    assert asked.status_code == 200
    assert "f2" in text_of(asked)
    hidden = re.findall(r'name="_selected_action" value="(\d+)"', asked.content.decode())
    assert sorted(map(int, hidden)) == sorted(finding.pk for finding in chosen)
    assert set(Finding.objects.values_list("status", flat=True)) == {"open"}
    assert "Enter a release." in text_of(ada.post(LIST, data | {"choice": "release", "apply": "yes"}))
    answered = ada.post(LIST, data | {"choice": "release", "release": "2.0", "apply": "yes"}, follow=True)
    assert "3 findings are now ignored." in text_of(answered)
    assert set(Finding.objects.filter(reopen_release="2.0").values_list("pk", flat=True)) == set(map(int, hidden))
    other.refresh_from_db()
    assert other.status == "open"


def test_all_findings_of_a_filter_can_be_set_aside(ada):
    for number in range(120):
        stored_finding(function=f"f{number}", cause="computing")
    waiting = stored_finding(cause="waiting")
    url = LIST + "?cause=computing"
    ticked = list(Finding.objects.filter(cause="computing").values_list("pk", flat=True)[:50])
    data = {"action": "set_aside", "_selected_action": ticked, "select_across": "1"}
    asked = ada.post(url, data)
    assert "and 100 more" in text_of(asked)
    hidden = dict(re.findall(r'type="hidden" name="(select_across|action)" value="([^"]*)"', asked.content.decode()))
    assert hidden == {"action": "set_aside", "select_across": "1"}
    answered = ada.post(url, data | {"choice": "new release", "apply": "yes"}, follow=True)
    assert "120 findings are now ignored." in text_of(answered)
    waiting.refresh_from_db()
    assert waiting.status == "open"


def test_the_page_of_conditions_preselects_none(ada):
    finding = stored_finding()
    data = {"action": "set_aside", "_selected_action": [finding.pk], "apply": "yes"}
    assert "This field is required" in text_of(ada.post(LIST, data))


def test_a_condition_can_be_changed_and_removed(ada):
    finding = stored_finding(status="ignored", reopen_when="longer", reopen_figure_us=5)
    ada.post(status_of(finding), {"choice": "longer", "longer": "7"})
    finding.refresh_from_db()
    assert finding.reopen_figure_us == 7_000
    ada.post(LIST + "?status=all", {"action": "ignore", "_selected_action": [finding.pk]})
    finding.refresh_from_db()
    assert (finding.status, finding.reopen_when, finding.reopen_figure_us) == ("ignored", "", None)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"reopen_when": "new release"}, "until it occurs in a new release"),
        ({"reopen_when": "release", "reopen_release": "<i>2"}, "until it occurs in release &lt;i&gt;2 or later"),
        ({"reopen_when": "longer", "reopen_figure_us": 250_000}, "until a stall lasts longer than 250 ms"),
        ({"reopen_when": "more", "reopen_figure_us": 2_000_000}, "until it blocks for more than 2.0 s within an hour"),
    ],
)
def test_the_list_and_the_page_say_until_when(ada, columns, said):
    finding = stored_finding(status="ignored", **columns)
    assert said in text_of(ada.get(LIST, {"status": "ignored"}))
    assert f"Ignored {said}." in text_of(ada.get(page_of(finding)))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "it occurred again"),
        ({"reopened_release": "1.5"}, "it occurred in release 1.5"),
        ({"reopen_when": "new release", "reopened_release": "1.5"}, "it occurred in release 1.5"),
        ({"reopen_when": "longer", "reopen_figure_us": 1, "reopened_figure_us": 300_000}, "a stall lasted 300 ms"),
        (
            {"reopen_when": "more", "reopen_figure_us": 1, "reopened_figure_us": 2_500_000},
            "it blocked for 2.5 s within an hour",
        ),
    ],
)
def test_the_list_and_the_page_say_why_it_was_reopened(ada, columns, said):
    finding = stored_finding(reopened_at=NOON, status_changed_by="bob", status_changed_at=NOON, **columns)
    row = text_of(ada.get(LIST))
    assert "reopened" in row
    assert said in row
    text = text_of(ada.get(page_of(finding)))
    assert f"Reopened: {said}" in text
    assert "set aside by bob" in text


def test_a_finding_reopened_by_a_user_shows_no_reason(ada):
    finding = stored_finding(status="ignored", reopen_when="longer", reopen_figure_us=5)
    ada.post(status_of(finding), {"status": "open"})
    text = text_of(ada.get(page_of(finding)))
    assert "Reopened:" not in text
    assert "until a stall lasts longer than 0" not in text


UNDO = reverse("admin:loopwatch_finding_undo")


def state_of(finding):
    return Finding.objects.filter(pk=finding.pk).values().get()


def test_a_decision_can_be_taken_back_from_its_message(ada):
    finding = stored_finding(
        reopened_at=NOON,
        reopened_release="1.5",
        reopen_when="new release",
        known_releases=["1.4"],
        status_changed_by="bob",
        status_changed_at=NOON,
    )
    before = state_of(finding)
    page = ada.post(status_of(finding), {"choice": "longer", "longer": "9"}, follow=True).content.decode()
    assert re.search(rf'is now ignored[.] <form method="post" action="{UNDO}"[^>]*><input[^>]*csrf', page)
    Finding.objects.filter(pk=finding.pk).update(events=77)
    text = text_of(ada.post(UNDO, follow=True))
    assert "1 finding is as before." in text
    assert "Reopened: it occurred in release 1.5" in text
    assert state_of(finding) == before | {"events": 77}
    assert LogEntry.objects.count() == 2
    assert "can no longer be taken back" in text_of(ada.post(UNDO, follow=True))


def test_a_decision_on_several_findings_can_be_taken_back(ada):
    chosen = [stored_finding(), stored_finding(reopened_at=NOON)]
    before = list(map(state_of, chosen))
    ada.post(LIST, {"action": "resolve", "_selected_action": [finding.pk for finding in chosen]})
    assert "2 findings are as before." in text_of(ada.post(UNDO, follow=True))
    assert list(map(state_of, chosen)) == before


def test_a_later_decision_is_not_taken_back(ada):
    finding = stored_finding()
    ada.post(status_of(finding), {"status": "resolved"})
    Finding.objects.update(status="ignored", status_changed_by="bob", status_changed_at=NOON)
    assert "can no longer be taken back" in text_of(ada.post(UNDO, follow=True))
    assert state_of(finding)["status"] == "ignored"


def test_a_decision_on_very_many_findings_cannot_be_taken_back(ada):
    for number in range(101):
        stored_finding(function=f"f{number}")
    data = {"action": "resolve", "select_across": "1", "_selected_action": "1"}
    assert "loopwatch-undo" not in ada.post(LIST, data, follow=True).content.decode()


def test_undo_needs_the_permission_to_change_findings_and_a_post(viewer):
    assert viewer.post(UNDO).status_code == 403
    assert viewer.get(UNDO)["Location"] == LIST


def test_a_finding_has_a_note(ada):
    finding = stored_finding()
    page = ada.post(status_of(finding), {"note": " <b>\nAda works on it "}, follow=True)
    assert '<p class="loopwatch-set-aside" dir="auto">&lt;b&gt;<br>Ada works on it</p>' in page.content.decode()
    assert "note" in LogEntry.objects.get().get_change_message()
    assert "at most 1000 characters" in text_of(ada.post(status_of(finding), {"note": "x" * 1001}, follow=True))
    assert state_of(finding)["note"] == "<b>\nAda works on it"
    ada.post(status_of(finding), {"note": ""})
    assert state_of(finding)["note"] == ""


def test_a_value_is_inside_of_its_sentence(ada):
    form = ada.get(page_of(stored_finding())).content.decode().partition("loopwatch-choices")[2]
    sentences = [
        " ".join(re.sub(r"<[^>]*>", " ", each).split()) for each in re.findall(r"<div>(.*?)</div>", form, re.DOTALL)
    ]
    assert [each for each in sentences if each.startswith(("resolved", "ignored"))] == [
        "resolved, until it occurs in a new release",
        "ignored, until it occurs in a new release",
        "ignored, until it occurs in release or a later one",
        "ignored, until a stall lasts longer than ms",
        "ignored, until it blocks for more than ms within an hour",
    ]


def test_deletion_is_the_last_action(admin_client):
    stored_finding()
    actions = re.findall(r'<option value="([a-z_]+)"', admin_client.get(LIST).content.decode())
    assert actions == ["resolve", "ignore", "set_aside", "reopen", "delete_selected"]


def test_users_who_may_only_view_findings_have_no_triage_form(viewer):
    finding = stored_finding()
    assert "loopwatch-until" not in viewer.get(page_of(finding)).content.decode()
    assert viewer.post(status_of(finding), {"choice": "new release"}).status_code == 403
    viewer.post(LIST, {"action": "set_aside", "_selected_action": [finding.pk], "choice": "new release"})
    finding.refresh_from_db()
    assert finding.status == "open"


IGNORED = Decision(Finding.Status.IGNORED)


@on_sqlite
def test_a_decision_succeeds_if_the_recorder_writes_after_it_has_read_the_findings(database, django_user_model):
    class Interrupted(QuerySet):
        def __iter__(self):
            findings = list(super().__iter__())
            with closing(sqlite3.connect(database.settings_dict["NAME"], timeout=0)) as recorder:
                recorder.execute("UPDATE loopwatch_finding SET events = 2")
                recorder.commit()
            return iter(findings)

    stored_finding()
    assert len(decide(Interrupted(Finding), IGNORED, django_user_model.objects.create_user("ada"), NOON)) == 1
    assert (Finding.objects.get().status, Finding.objects.get().events) == ("ignored", 2)


@on_postgresql
def test_a_decision_locks_findings_in_the_recorders_order_so_that_there_is_no_deadlock(database, django_user_model):
    stored_finding()
    with CaptureQueriesContext(database) as queries:
        decide(Finding.objects.all(), IGNORED, django_user_model.objects.create_user("ada"), NOON)
    statements = [each["sql"] for each in queries]
    update = next(number for number, sql in enumerate(statements) if sql.startswith("UPDATE"))
    assert statements[update - 1].endswith('ORDER BY "loopwatch_finding"."fingerprint" ASC FOR UPDATE')
