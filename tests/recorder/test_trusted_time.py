"""A clock that has jumped ahead deletes nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from loopwatch.models import BlockingEvent, LoopTime, ThreadWaitTotal
from loopwatch.recorder import housekeeping, trusted_time
from loopwatch.recorder.trusted_time import database_time, earlier_time, is_believed
from tests.databases import on_postgresql, on_sqlite
from tests.recorder.calls import blocking_call
from tests.stored import stored_event, stored_finding, stored_loop_time, stored_wait

pytestmark = pytest.mark.usefixtures("database")

JUMP = timedelta(days=100)


class Ahead(datetime):
    """A clock that is 100 days ahead."""

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + JUMP


@pytest.fixture
def ahead(monkeypatch):
    """Sets this process's clock 100 days ahead, and makes the writer prune after every write."""
    monkeypatch.setattr(housekeeping, "PRUNE_INTERVAL_S", -1.0)
    for module in (housekeeping, trusted_time):
        monkeypatch.setattr(module, "datetime", Ahead)


@pytest.fixture
def finding():
    """Stores a finding with ten events of the last days, and two loop times."""
    now = datetime.now(UTC)
    finding = stored_finding(events=10)
    for hours in range(10):
        stored_event(finding, started_at=now - timedelta(hours=hours, minutes=1))
    for hours in range(2):
        stored_loop_time(start=now - timedelta(hours=hours))
    return finding


def written(recorder, **changes):
    recorder.put(blocking_call(function="views.other", **changes))
    assert recorder.flush(60)


@on_sqlite
def test_a_database_of_this_machine_has_no_clock(database):
    assert database_time(database.alias) is None


@on_postgresql
def test_the_clock_of_a_server_is_asked(database):
    assert abs(database_time(database.alias) - datetime.now(UTC)) < timedelta(minutes=1)


@on_postgresql
@pytest.mark.parametrize("use_tz", [True, False])
def test_the_earlier_clock_counts(database, ahead, settings, use_tz):
    settings.USE_TZ = use_tz
    assert abs(earlier_time(database.alias) - datetime.now(UTC)) < timedelta(minutes=1)


@on_postgresql
def test_a_process_whose_clock_is_ahead_deletes_nothing_and_says_so(recorder_of, finding, ahead, caplog):
    recorder = recorder_of(events_kept_days=90)
    for _ in range(2):
        written(recorder, started_at=datetime.now(UTC))
    assert (finding.blocking_events.count(), LoopTime.objects.filter(host="web-1").count()) == (10, 2)
    assert recorder.stats().errors == {"clock": 2}
    (record,) = caplog.records
    assert "is 100 d ahead of the database's" in record.getMessage()


@on_sqlite
def test_a_machine_whose_clock_has_jumped_deletes_nothing_and_says_so(recorder_of, finding, ahead, caplog):
    recorder = recorder_of(events_kept_days=90)
    for _ in range(2):
        written(recorder, started_at=Ahead.now(UTC))
    assert (finding.blocking_events.count(), LoopTime.objects.filter(host="web-1").count()) == (10, 2)
    assert recorder.stats().errors == {"clock": 2}
    (record,) = caplog.records
    assert "Nothing was stored in the last days by this clock" in record.getMessage()


@on_sqlite
def test_a_clock_that_has_jumped_deletes_no_thread_waits_and_the_log_says_so(recorder_of, ahead, caplog):
    stored_wait("views.save", 100, hour=datetime.now(UTC))
    recorder = recorder_of(events_kept_days=90)
    written(recorder, started_at=Ahead.now(UTC))
    assert ThreadWaitTotal.objects.count() == 1
    assert recorder.stats().errors == {"clock": 1}
    assert "Nothing was stored in the last days by this clock" in caplog.text


@on_sqlite
def test_a_clock_that_the_site_has_run_by_for_hours_is_believed(recorder_of, finding, ahead):
    stored_loop_time(start=Ahead.now(UTC) - timedelta(hours=3), host="web-2")
    recorder = recorder_of(events_kept_days=90)
    written(recorder, started_at=Ahead.now(UTC))
    assert finding.blocking_events.count() == 0
    assert recorder.stats().errors == {}


@on_sqlite
def test_a_clock_that_deletes_nothing_is_not_talked_about(recorder_of, ahead, caplog):
    written(recorder_of(events_kept_days=90), started_at=Ahead.now(UTC))
    assert caplog.records == []


@pytest.mark.parametrize(("hours", "believed"), [(1, False), (3, True), (160, True), (180, False), (-3, False)])
def test_what_was_stored_hours_to_days_ago_bears_out_the_time(database, hours, believed):
    now = datetime.now(UTC)
    stored_event(stored_finding(), started_at=now - timedelta(hours=hours))
    assert is_believed(database.alias, now) == believed
    BlockingEvent.objects.all().delete()
    stored_loop_time(start=now - timedelta(hours=hours))
    assert is_believed(database.alias, now) == believed
