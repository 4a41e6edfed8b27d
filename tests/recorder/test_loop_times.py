"""The figures of loops by minute and by hour are added up, spread over time, kept and stored."""

from datetime import UTC, datetime, timedelta
from operator import attrgetter
from uuid import uuid4

import pytest

from loopwatch.detection.calls import Cause, LoopUsage
from loopwatch.impact import Impact
from loopwatch.models import HourlyTotal, LoopTime
from loopwatch.recorder import loop_times as module
from loopwatch.recorder.loop_time_rows import LoopTimeRows, prune_loop_times
from loopwatch.recorder.loop_times import KEPT, LoopFigures, LoopTimeKey, LoopTimes, Minutes
from loopwatch.stored_time import whole_hour
from tests.recorder.calls import blocking_call

NOW = datetime.now(UTC).replace(minute=30, second=0, microsecond=0) - timedelta(hours=1)
HOUR = NOW.replace(minute=0)


def at(minute, second=0.0):
    return HOUR + timedelta(minutes=minute, seconds=second)


def figures(times, column, minutes=Minutes.MINUTE):
    rows = times.take()
    return {
        (key.start - HOUR) // timedelta(minutes=1): attrgetter(column)(row)
        for key, row in sorted(rows.items())
        if key.minutes == minutes
    }


def test_busy_time_counts_for_the_minutes_it_was_spent_in():
    times = LoopTimes()
    times.add_usage(LoopUsage(ended_at=at(11, 15), lasted_s=30, busy_s=10))
    assert figures(times, "busy_us") == {10: 5_000_000, 11: 5_000_000}
    times.add_usage(LoopUsage(ended_at=at(11, 20), lasted_s=1, busy_s=1))
    assert figures(times, "busy_us", Minutes.HOUR) == {0: 11_000_000}


def test_a_minute_without_known_busy_time_has_none():
    times = LoopTimes()
    times.add_usage(LoopUsage(ended_at=at(11), lasted_s=30, busy_s=None))
    times.add_pause(blocking_call(started_at=at(10), step_ms=120.0))
    assert figures(times, "busy_us") == {10: None}


def test_steps_count_for_the_hour_in_which_they_are_taken():
    times = LoopTimes()
    for duration_s in (0.002, 0.0049, 0.3):
        times.count_step(duration_s)
    first = {key.minutes: row.steps for key, row in times.take().items()}
    assert first == {Minutes.HOUR: {"under_5ms": 2, "under_500ms": 1}}
    assert not times.take()
    times.count_step(0.004)
    (row,) = times.take().values()
    assert row.steps["under_5ms"] in {1, 3}  # an hour may have begun since
    assert first[Minutes.HOUR]["under_5ms"] == 2


def test_a_stall_is_spread_over_the_minutes_it_lasts_and_counted_where_it_began():
    times = LoopTimes()
    times.add_stall(at(9, 30), Impact(1, blocked_us=90_000_000, longest_us=90_000_000, requests_delayed=2, delay_us=9))
    rows = times.take()
    minutes = {key.start: row for key, row in rows.items() if key.minutes == Minutes.MINUTE}
    assert {start: row.impact.blocked_us for start, row in minutes.items()} == {at(9): 30_000_000, at(10): 60_000_000}
    assert (minutes[at(9)].impact.events, minutes[at(9)].impact.requests_delayed) == (1, 2)
    assert sum(row.impact.delay_us for row in minutes.values()) == 9
    assert rows[LoopTimeKey(Minutes.HOUR, HOUR)] == LoopFigures(Impact(1, 90_000_000, 0, 2, 9))


def test_what_a_stall_has_lasted_since_its_last_report_counts_for_that_time():
    times = LoopTimes()
    times.add_stall(at(10), Impact(events=1, blocked_us=30_000_000, longest_us=30_000_000))
    times.add_stall(at(10), Impact(blocked_us=60_000_000, longest_us=90_000_000))
    assert figures(times, "impact.blocked_us") == {10: 60_000_000, 11: 30_000_000}


@pytest.mark.parametrize("amount_us", [1, 2, 59, 100_003, 86_399_999_999])
def test_the_shares_of_a_long_stall_add_up_to_it(amount_us):
    times = LoopTimes()
    begin = NOW - timedelta(hours=2, seconds=12.345678)
    times.add_stall(begin, Impact(events=1, blocked_us=amount_us, longest_us=7_000_000_001))
    rows = times.take()
    for minutes in Minutes:
        assert sum(row.impact.blocked_us for key, row in rows.items() if key.minutes == minutes) == amount_us


def test_the_worst_pause_is_of_any_cause_and_the_time_of_the_machine_is_counted_separately():
    times = LoopTimes()
    times.add_pause(blocking_call(started_at=at(10), step_ms=120.0))
    times.add_pause(blocking_call(started_at=at(10), step_ms=300.0, cause=Cause.SUSPENDED))
    times.add_pause(blocking_call(started_at=at(10), step_ms=80.0, cause=Cause.STARVED))
    assert figures(times, "impact.longest_us") == {10: 300_000}
    times.add_pause(blocking_call(started_at=at(10), step_ms=1.0))
    assert figures(times, "machine_us") == {10: 380_000}


def test_only_what_has_changed_is_taken_with_its_totals():
    times = LoopTimes()
    times.add_stall(at(10), Impact(events=1))
    times.add_stall(at(11), Impact(events=1))
    times.take()
    times.add_stall(at(11), Impact(events=1))
    assert figures(times, "impact.events") == {11: 2}
    assert times.take() == {}


def test_what_comes_after_its_row_was_forgotten_is_not_lost():
    times = LoopTimes()
    times.add_stall(at(0), Impact(events=5))
    times.add_stall(at(0) + module.MAY_CHANGE + timedelta(minutes=1), Impact(events=1))
    times.take()  # the writer has taken the first minute, which is dropped
    times.add_stall(at(0), Impact(events=3))
    assert figures(times, "impact.events") == {1: 3}


def test_a_clock_that_was_ahead_moves_no_figures_of_the_time_after_it():
    times, now = LoopTimes(), datetime.now(UTC)
    for begin in (now, now + timedelta(days=100), now + timedelta(days=101), now):
        times.add_stall(begin, Impact(events=1))
        times.take()
    for _ in range(3):
        times.add_stall(now, Impact(events=1))
        assert {key.start for key in times.take()} == {whole_hour(now), now.replace(second=0, microsecond=0)}


def test_without_a_database_memory_is_bounded():
    times = LoopTimes()
    for minute in range(5_000):
        times.add_stall(at(minute), Impact(events=1))
    assert len(times.take()) <= 50 * 60 + 32 * 24


def test_gauges_have_the_last_full_minute():
    times = LoopTimes()
    assert times.latest_minute() == LoopFigures()
    last = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
    for minute in (last, last + timedelta(minutes=1)):  # the minute may end before the assertion
        times.add_stall(minute, Impact(events=7))
    assert times.latest_minute().impact.events == 7


@pytest.mark.usefixtures("database")
class TestStored:
    def test_rows_add_up_to_what_findings_count(self, recorder_of):
        recorder = recorder_of(release="1.2")
        for number in range(50):
            recorder.put(blocking_call(started_at=at(number % 3), waiting=2, function=f"views.view_{number % 5}"))
        assert recorder.flush(60)
        recorder.put(blocking_call(started_at=at(1)))
        assert recorder.flush(60)
        for minutes in Minutes:
            rows = LoopTime.objects.filter(minutes=minutes)
            hours = HourlyTotal.objects.all()
            for column in ("events", "blocked_us", "requests_delayed", "delay_us"):
                assert sum(rows.values_list(column, flat=True)) == sum(hours.values_list(column, flat=True)) > 0
        assert LoopTime.objects.filter(minutes=1).count() == 3
        row = LoopTime.objects.get(minutes=60)
        assert (row.start, row.release, row.impact.events) == (HOUR, "1.2", 51)

    def test_busy_time_is_written_without_a_stall(self, recorder_of, monkeypatch):
        monkeypatch.setattr("loopwatch.recorder.recorder.LOOP_TIMES_INTERVAL_S", 0.01)
        recorder = recorder_of()
        recorder.put_usage(LoopUsage(ended_at=at(10, 30), lasted_s=20, busy_s=4))
        assert recorder._buffer.wait_settled(1, 60)
        assert LoopTime.objects.get(minutes=1).busy_us == 4_000_000

    def test_busy_time_waits_for_its_interval_or_the_recorders_end_to_be_written(self, recorder_of):
        recorder = recorder_of()
        recorder.put_usage(LoopUsage(ended_at=at(10, 30), lasted_s=20, busy_s=4))
        assert not LoopTime.objects.exists()
        assert recorder.stop(60)
        assert LoopTime.objects.get(minutes=60).busy_us == 4_000_000

    @pytest.mark.parametrize("is_supported", [True, False])
    def test_loop_times_written_twice_say_the_same(self, database, monkeypatch, is_supported):
        monkeypatch.setattr(type(database.features), "supports_update_conflicts", is_supported)
        rows = LoopTimeRows("1.2", NOW, on_refusal=print)
        for busy_us in (5, 7, 7):
            rows.add(
                {
                    LoopTimeKey(Minutes.MINUTE, at(10)): LoopFigures(
                        Impact(events=2, blocked_us=9, longest_us=3), busy_us=busy_us
                    )
                }
            )
            rows.write(database.alias)
        row = LoopTime.objects.get()
        assert (row.events, row.blocked_us, row.longest_us, row.busy_us, row.release) == (2, 9, 3, 7, "1.2")

    def test_every_process_has_rows_of_its_own(self, database):
        for since in (NOW, NOW + timedelta(microseconds=1)):  # a new process may have the process id of an earlier one
            rows = LoopTimeRows("", since, on_refusal=print)
            rows.add({LoopTimeKey(Minutes.MINUTE, at(10)): LoopFigures(Impact(events=2))})
            rows.write(database.alias)
        assert list(LoopTime.objects.values_list("events", flat=True)) == [2, 2]

    def test_rows_of_minutes_and_hours_are_deleted_after_their_time(self, database):
        now = datetime.now(UTC)
        for minutes, kept in KEPT.items():
            for age in (kept - timedelta(hours=2), kept + timedelta(hours=2)):
                LoopTime.objects.create(minutes=minutes, start=now - age, host=uuid4().hex, process_id=1, since=now)
        prune_loop_times(database.alias, now)
        assert sorted(LoopTime.objects.values_list("minutes", flat=True)) == [1, 60]
        assert all(now - row.start < KEPT[Minutes(row.minutes)] for row in LoopTime.objects.all())
