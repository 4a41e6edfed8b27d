"""Upserts of many rows and updates of single rows leave the same counters."""

import random

import pytest

from loopwatch.detection.calls import KeptOut, OtherPlace
from loopwatch.models import BlockingEvent, Finding, HourlyTotal
from tests.recorder.calls import NOON, blocking_call

pytestmark = pytest.mark.usefixtures("database")

DIFFERENT_EACH_TIME = {"id", "finding_id", "alarmed_at"}


def stored(model):
    names = [field.attname for field in model._meta.concrete_fields if field.attname not in DIFFERENT_EACH_TIME]
    return sorted(map(str, model.objects.values(*names)))


def calls_of_every_kind():
    pick = random.Random(5)
    for number in range(100):
        reported_twice = number % 10 < 2
        yield blocking_call(
            minute=pick.randrange(300),
            stall_id=f"stall {number // 10}" if reported_twice else f"another {number}",
            ongoing=number % 10 == 0,
            function=f"views.view_{number % 7}",
            duration_ms=pick.uniform(1, 40_000),
            waiting=pick.randrange(5),
            kept_out=KeptOut(pick.randrange(9), pick.uniform(0, 9_000)),
            lineno=number,
        )


def test_counters_are_the_same_however_deltas_are_added(recorder_of, database, monkeypatch):
    calls, outcomes = list(calls_of_every_kind()), []
    for at_once in (True, False):
        monkeypatch.setattr(type(database.features), "supports_update_conflicts", at_once)
        Finding.objects.all().delete()
        recorder = recorder_of(events_per_finding=1_000)
        for start in range(0, len(calls), 17):
            for call in calls[start : start + 17]:
                recorder.put(call)
            assert recorder.flush(60)
        assert recorder.stats().errors == {}
        outcomes.append([stored(model) for model in (Finding, HourlyTotal, BlockingEvent)])
    assert outcomes[0] == outcomes[1]
    assert sum(Finding.objects.values_list("events", flat=True)) == len({call.stall_id for call in calls})


def test_stalls_of_one_call_are_one_finding_with_the_newest_detail_and_each_event_has_its_own(recorder_of):
    recorder = recorder_of()
    for minute, detail in enumerate(["zipfile.ZipFile.write", "openpyxl.cell.Cell.value"]):
        recorder.put(blocking_call(minute=minute, method_name=detail, called_name="openpyxl.Workbook.save"))
        assert recorder.flush(60)
    finding = Finding.objects.get()
    assert str(finding) == "openpyxl.Workbook.save → openpyxl.cell.Cell.value in shop.views.checkout"
    assert [event.headline for event in finding.blocking_events.order_by("started_at")] == [
        "openpyxl.Workbook.save → zipfile.ZipFile.write",
        "openpyxl.Workbook.save → openpyxl.cell.Cell.value",
    ]


def test_the_second_place_of_the_newest_step_is_stored(recorder_of):
    recorder = recorder_of()
    other = OtherPlace("shop.views.locate", "time.sleep", 7, 200.0)
    for minute, place in enumerate([None, other]):
        recorder.put(blocking_call(minute=minute, other_place=place))
        assert recorder.flush(60)
    finding, event = Finding.objects.get(), BlockingEvent.objects.latest("started_at")
    for row in (finding, event):
        place = (row.other_function, row.other_called_name, row.other_lineno, row.other_us)
        assert place == ("shop.views.locate", "time.sleep", 7, 200_000)


def test_the_number_of_calls_seen_in_the_newest_step_is_stored(recorder_of):
    recorder = recorder_of()
    for minute, calls_seen in enumerate([1, 14]):
        recorder.put(blocking_call(minute=minute, calls_seen=calls_seen))
        assert recorder.flush(60)
    assert Finding.objects.get().calls_seen == 14
    assert [event.calls_seen for event in BlockingEvent.objects.order_by("started_at")] == [1, 14]


def test_the_two_hours_of_one_name_when_clocks_change_are_one_row(recorder_of, settings):
    settings.USE_TZ, settings.TIME_ZONE = False, "Europe/Berlin"
    recorder = recorder_of(started=False)
    for hour in (0, 1):  # when summer time ends, both are 2 o'clock
        recorder.put(blocking_call(started_at=NOON.replace(month=10, day=25, hour=hour)))
    recorder.start()
    assert recorder.flush(60)
    assert HourlyTotal.objects.get().events == 2
    assert recorder.stats().errors == {}
