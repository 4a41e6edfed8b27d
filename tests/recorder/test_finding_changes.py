"""People are told about a finding once: when it is new, reopened, or longer than ALARM_MS."""

from datetime import timedelta

import pytest
from django.db import DataError
from django.utils import timezone

from loopwatch.models import Finding
from tests.recorder.calls import blocking_call

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def record(recorder_of):
    """Records a stall, as one process after another would."""

    def record(after_s=0.0, *, settings=(), **changes):
        recorder = recorder_of(sinks=("database", "signal"), **{"alarm_ms": 500.0, **dict(settings)})
        recorder.put(blocking_call(started_at=timezone.now() + timedelta(seconds=after_s), **changes))
        assert recorder.flush(60)
        assert recorder.stats().errors == {}

    return record


def kinds(told):
    return [str(change.kind) for change in told]


@pytest.mark.parametrize("is_supported", [True, False], ids=["upsert", "row by row"])
def test_a_finding_is_new_once(told, record, database, monkeypatch, is_supported):
    monkeypatch.setattr(type(database.features), "supports_update_conflicts", is_supported)
    for _ in range(3):
        record()
    record(function="shop.views.other")
    assert kinds(told) == ["new", "new"]
    assert [change.function for change in told] == ["shop.views.checkout", "shop.views.other"]


def test_a_change_says_where_and_whom(told, record):
    record(settings={"admin_url": "https://shop.example/admin"}, stall_id="one", duration_ms=100.0)
    (change,) = told
    finding = Finding.objects.get()
    assert change.finding_id == finding.pk
    assert change.fingerprint == finding.fingerprint
    assert change.headline == "time.sleep"
    assert (change.filename, change.lineno, change.source) == (finding.filename, 12, "time.sleep(delay)")
    assert change.longest_ms == 100.0
    assert change.route == "POST checkout/<int:pk>/"
    assert change.call.stack
    assert change.url == f"https://shop.example/admin/loopwatch/finding/{finding.pk}/change/"


def test_without_the_url_of_the_admin_there_is_no_link(told, record):
    record()
    assert told[0].url == ""


def test_a_finding_that_is_deleted_and_happens_again_is_new(told, record):
    record()
    Finding.objects.all().delete()
    record()
    assert kinds(told) == ["new", "new"]


def test_a_finding_is_told_when_it_is_reopened_and_not_before(told, record):
    record()
    Finding.objects.update(status="resolved", status_changed_at=timezone.now())
    record(after_s=-60)
    assert kinds(told) == ["new"]
    record(after_s=60)
    record(after_s=61)
    assert kinds(told) == ["new", "reopened"]


def test_a_long_stall_is_told_once_and_again_after_the_finding_was_reopened(told, record):
    record(duration_ms=499.9)
    record(duration_ms=500.0)
    record(duration_ms=9_000.0)
    assert kinds(told) == ["new", "longer"]
    assert told[1].longest_ms == 500.0
    Finding.objects.update(status="resolved", status_changed_at=timezone.now())
    record(after_s=60, duration_ms=60.0)
    record(after_s=61, duration_ms=700.0)
    record(after_s=62, duration_ms=800.0)
    assert kinds(told[2:]) == ["reopened", "longer"]


def test_a_finding_that_is_long_at_once_is_told_once(told, record):
    record(duration_ms=900.0)
    record(duration_ms=901.0)
    assert kinds(told) == ["new"]
    Finding.objects.update(status="resolved", status_changed_at=timezone.now())
    record(after_s=60, duration_ms=900.0)
    record(after_s=61, duration_ms=901.0)
    assert kinds(told) == ["new", "reopened"]


@pytest.mark.parametrize("status", ["ignored", "resolved"])
def test_a_finding_that_a_person_set_aside_is_not_told_for_being_long(told, record, status):
    record()
    Finding.objects.update(status=status, status_changed_at=timezone.now())
    record(after_s=-60, duration_ms=900.0)
    assert kinds(told) == ["new"]


def test_a_stall_that_goes_on_is_told_while_it_does(told, recorder_of):
    recorder = recorder_of(sinks=("database", "signal"), alarm_ms=5_000.0)
    for ongoing, duration_ms in [(True, 3_000.0), (True, 5_000.0), (True, 8_000.0), (False, 9_000.0)]:
        recorder.put(blocking_call(stall_id="one", ongoing=ongoing, duration_ms=duration_ms))
        assert recorder.flush(60)
    assert [(str(change.kind), change.longest_ms) for change in told] == [("new", 3_000.0), ("longer", 5_000.0)]


def test_a_finding_whose_details_the_database_refuses_is_told_all_the_same(told, record, monkeypatch):
    def refuse(alias, events):
        if any(each.new for _, each in events):
            raise DataError("no")

    monkeypatch.setattr("loopwatch.recorder.event_rows.write", refuse)
    monkeypatch.setattr("loopwatch.recorder.outage.Outage.refused", lambda self: None)
    with pytest.raises(AssertionError, match="database"):  # the refusal is counted
        record()
    assert kinds(told) == ["new"]
    assert (told[0].call, told[0].route) == (None, "")


def test_without_the_database_nobody_can_say_what_is_new(told, recorder_of):
    recorder = recorder_of(sinks=("signal", "log"))
    recorder.put(blocking_call())
    assert recorder.flush(60)
    assert told == []
