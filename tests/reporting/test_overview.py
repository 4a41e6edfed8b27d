"""The overview has bars, processes, the findings with the largest impact, and new findings."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from loopwatch.impact import Impact
from loopwatch.reporting.overview import SPANS, overview_figures
from loopwatch.reporting.overview.time_axis import DAY, Minutes, TimeAxis, axis_between
from loopwatch.reporting.overview.timeline import Peak
from tests.stored import stored_event, stored_finding, stored_health, stored_hour, stored_loop_time, stored_route

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 13, 37, 42, tzinfo=UTC)
THIS_HOUR = datetime.min.replace(tzinfo=UTC)


@pytest.fixture(autouse=True)
def this_hour(monkeypatch):
    """Set the hour at the beginning of each test: the tests of a run may begin in one hour and end in the next."""
    monkeypatch.setitem(globals(), "THIS_HOUR", datetime.now(UTC).replace(minute=0, second=0, microsecond=0))


@pytest.mark.parametrize(
    ("key", "begin", "end"),
    [
        ("1h", "2026-11-25T12:00:00+00:00", "2026-11-25T13:38:00+00:00"),
        ("24h", "2026-11-24T13:00:00+00:00", "2026-11-25T13:45:00+00:00"),
        ("7d", "2026-11-18T14:00:00+00:00", "2026-11-25T14:00:00+00:00"),
        ("30d", "2026-10-27T00:00:00+00:00", "2026-11-26T00:00:00+00:00"),
        ("1y", "2025-11-26T00:00:00+00:00", "2026-11-26T00:00:00+00:00"),
    ],
)
def test_a_span_ends_with_the_bar_that_is_now(key, begin, end):
    with timezone.override("UTC"):
        axis = TimeAxis(SPANS[key], NOW)
        assert (axis.begin.isoformat(), axis.end.isoformat()) == (begin, end)
        assert axis.index(axis.begin) == 0
        assert axis.index(NOW) == axis.bars - 1
        assert axis.index(axis.begin - timedelta(seconds=1)) < 0


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York"])
@pytest.mark.parametrize("key", ["1h", "24h", "7d"])
def test_bars_begin_with_a_whole_hour_as_totals_do(key, zone):
    with timezone.override(zone):
        axis = TimeAxis(SPANS[key], NOW)
        assert axis.begin.minute == 0
        assert SPANS[key].bars <= axis.bars < SPANS[key].bars + 60
        assert axis.end - SPANS[key].bar <= NOW < axis.end


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def at(text):
    return datetime.fromisoformat(f"2026-{text}:00+00:00")


@pytest.mark.parametrize(
    ("chosen", "shown", "bars", "bar", "rows"),
    [
        (("11-25T12:07", "11-25T13:07"), ("11-25T12:00", "11-25T14:00"), 120, MINUTE, Minutes.MINUTE),
        (("11-25T12:00", "11-30T00:00"), ("11-25T12:00", "11-25T14:00"), 120, MINUTE, Minutes.MINUTE),
        (("11-24T00:00", "11-25T00:00"), ("11-24T00:00", "11-25T00:00"), 96, 15 * MINUTE, Minutes.MINUTE),
        (("11-20T00:00", "11-21T00:00"), ("11-20T00:00", "11-21T00:00"), 24, HOUR, Minutes.HOUR),
        (("11-01T05:00", "11-20T07:00"), ("11-01T00:00", "11-21T00:00"), 20, DAY, Minutes.HOUR),
        (("01-01T00:00", "03-01T00:00"), ("01-01T00:00", "03-01T00:00"), 59, DAY, None),
    ],
)
def test_a_chosen_time_is_whole_hours_or_days_of_which_rows_are_kept(chosen, shown, bars, bar, rows):
    with timezone.override("UTC"):
        axis = axis_between(*map(at, chosen), NOW)
        assert (axis.begin, axis.end) == tuple(map(at, shown))
        assert (axis.bars, axis.span.bar, axis.span.rows) == (bars, bar, rows)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (at("11-25T12:00"), at("11-25T12:00")),
        (at("11-25T12:00"), at("11-25T11:00")),
        (NOW + HOUR, NOW + DAY),
        (datetime.min.replace(tzinfo=UTC), NOW),
    ],
)
def test_a_time_without_a_past_is_not_shown(begin, end):
    assert axis_between(begin, end, NOW) is None


def test_a_chosen_time_is_a_year_long_at_most():
    with timezone.override("UTC"):
        axis = axis_between(NOW - 800 * DAY, NOW, NOW)
        assert 365 <= axis.bars <= 368


def test_the_oldest_hour_that_is_shown_is_shown_as_a_whole():
    with timezone.override("UTC"):
        axis = axis_between(NOW - 3660 * DAY, NOW - 3659 * DAY, NOW)
        assert (axis.bars, axis.span.bar) == (2, DAY)


@pytest.mark.parametrize("ago", [HOUR, 3 * DAY, 100 * DAY])
def test_all_figures_are_of_the_chosen_time(ago):
    middle = THIS_HOUR - ago
    step = DAY if ago > 2 * DAY else 2 * HOUR
    for number in (-2, 0, 2):
        start = middle + number * step
        day = start.replace(hour=0)
        finding = stored_finding(function=str(number), first_seen=start, last_seen=start, blocked_us=100_000)
        stored_hour(finding, 100, hour=start)
        stored_route(start=start, route=str(number), events=1, blocked_us=100_000)
        stored_route(start=day, route=str(number), events=1, blocked_us=100_000, hours=24)
        for minutes in (1, 60):
            stored_loop_time(start=start, minutes=minutes, events=1, blocked_us=100_000, process_id=10 + number)
    with timezone.override("UTC"):
        found = overview_figures(axis_between(middle, middle + HOUR, datetime.now(UTC)))
    assert (found.impact.events, [each.finding.function for each in found.worst.findings]) == (1, ["0"])
    assert [each.route for each in found.routes.rows] == ["0"]
    assert ago > 32 * DAY or [each.process_id for each in found.processes] == [10]


def test_of_a_finding_that_happens_for_long_only_the_chosen_time_counts():
    long = stored_finding(first_seen=THIS_HOUR - 300 * DAY, last_seen=THIS_HOUR, blocked_us=900_000)
    for ago, ms in ((300, 500), (100, 100), (0, 300)):
        stored_hour(long, ms, hour=THIS_HOUR - ago * DAY)
    with timezone.override("UTC"):
        axis = axis_between(THIS_HOUR - 110 * DAY, THIS_HOUR - 90 * DAY, datetime.now(UTC))
    (worst,) = overview_figures(axis).worst.findings
    assert worst.impact.blocked_us == 100_000


@pytest.mark.parametrize(("key", "hours"), [("24h", 1), ("7d", 1), ("30d", 24)])
def test_the_impact_is_compared_with_the_period_before(key, hours):
    with timezone.override("UTC"):
        axis = TimeAxis(SPANS[key], datetime.now(UTC))
        now = THIS_HOUR if hours == 1 else axis.start(axis.bars - 1)
        stored_route(hours=hours, start=now, blocked_us=100, delay_us=200)
        assert overview_figures(axis).change is None
        stored_route(hours=hours, start=axis.begin - hours * HOUR, blocked_us=50, kept_out_us=50)
        stored_route(hours=hours, start=axis.begin - axis.length - hours * HOUR, blocked_us=900)
        found = overview_figures(axis)
        assert (found.routes.all_us, found.change) == (300, 2.0)


def test_days_are_those_of_the_reader_whenever_the_clocks_change():
    with timezone.override("Europe/Berlin"):  # summer time ended on 25 October
        axis = TimeAxis(SPANS["30d"], datetime(2026, 11, 10, 12, tzinfo=UTC))
        assert axis.start(12).isoformat() == "2026-10-24T00:00:00+02:00"
        assert axis.start(14).isoformat() == "2026-10-26T00:00:00+01:00"
        assert axis.index(datetime(2026, 10, 25, 22, 59, tzinfo=UTC)) == 13
        assert axis.index(datetime(2026, 10, 25, 23, 0, tzinfo=UTC)) == 14


def test_a_day_that_has_begun_elsewhere_is_in_the_last_bar():
    with timezone.override("America/New_York"):
        axis = TimeAxis(SPANS["1y"], datetime(2026, 11, 26, 1, tzinfo=UTC))
        days = [datetime(2026, 11, day, tzinfo=UTC) for day in (24, 25, 26)]
        assert [axis.index_of_day(day) for day in days] == [363, 364, 364]


@pytest.mark.parametrize(("key", "minutes"), [("1h", 1), ("24h", 1), ("7d", 60), ("30d", 60)])
def test_bars_add_up_the_loop_times_of_all_processes(key, minutes):
    columns = {"minutes": minutes, "events": 2, "blocked_us": 5, "delay_us": 7, "requests_delayed": 1, "machine_us": 3}
    start = THIS_HOUR if minutes == 60 else datetime.now(UTC).replace(second=0, microsecond=0)
    stored_loop_time(start=start, longest_us=40, busy_us=minutes * 6_000_000, **columns)
    stored_loop_time(start=start, longest_us=90, busy_us=minutes * 30_000_000, process_id=2, **columns)
    stored_loop_time(start=start - timedelta(days=40), **columns)
    found = overview_figures(TimeAxis(SPANS[key], datetime.now(UTC)))
    (bar,) = [bar for bar in found.bars if bar.impact.events]
    assert bar.start <= start < bar.end
    assert (bar.impact, bar.machine_us, bar.busiest) == (Impact(4, 10, 90, 2, 14), 6, 0.5)
    assert (found.impact.events, found.impact.blocked_us, found.impact.delay_us, found.machine_us) == (4, 10, 14, 6)


def test_a_year_is_drawn_from_the_days_of_routes():
    today = THIS_HOUR.replace(hour=0)
    for days in (0, 200, 400):
        for route in ("a/", "b/"):
            day = {"hours": 24, "start": today - timedelta(days=days), "route": route}
            stored_route(**day, events=2, blocked_us=400_000, longest_us=300_000 + days, delay_us=7)
    stored_route(start=THIS_HOUR, events=9, blocked_us=9)
    with timezone.override("America/New_York"):  # days begin later there; a bar is the day with its date
        found = overview_figures(TimeAxis(SPANS["1y"], datetime.now(UTC)))
    assert [bar.impact.events for bar in found.bars if bar.impact.events] == [4, 4]
    bar = max(found.bars, key=lambda bar: bar.impact.longest_us)
    assert (bar.impact.blocked_us, bar.impact.delay_us, bar.impact.longest_us, bar.busiest) == (
        800_000,
        14,
        300_200,
        None,
    )


@pytest.mark.parametrize(("key", "lasts"), [("1h", 1), ("24h", 1), ("7d", 60), ("30d", 60)])
def test_peaks_are_minutes_or_hours_whatever_the_bars_are(key, lasts):
    worst = THIS_HOUR - timedelta(minutes=lasts)
    for start, columns in (
        (THIS_HOUR, {"blocked_us": 5, "longest_us": 3, "busy_us": lasts * 6_000_000}),
        (worst, {"blocked_us": 4, "longest_us": 3, "busy_us": lasts * 30_000_000}),
        (worst, {"blocked_us": 4, "longest_us": 2, "process_id": 2}),
    ):
        stored_loop_time(minutes=lasts, start=start, **columns)
    found = overview_figures(TimeAxis(SPANS[key], datetime.now(UTC))).timeline
    length = timedelta(minutes=lasts)
    assert found.most_blocked == Peak(worst, length, 8)
    assert found.worst_pause == Peak(worst, length, 3)
    assert found.busiest == Peak(worst, length, 0.5)


def test_the_worst_day_of_a_year():
    day = THIS_HOUR.replace(hour=0) - timedelta(days=30)
    stored_route(hours=24, start=day, events=1, blocked_us=9, longest_us=8)
    stored_route(hours=24, start=day - timedelta(days=1), events=1, blocked_us=7, longest_us=7)
    found = overview_figures(TimeAxis(SPANS["1y"], datetime.now(UTC))).timeline
    assert (found.most_blocked, found.worst_pause) == (Peak(day, DAY, 9), Peak(day, DAY, 8))
    assert found.busiest is None


def test_a_span_without_stalls_has_no_peaks():
    stored_loop_time(start=THIS_HOUR)
    found = overview_figures(TimeAxis(SPANS["24h"], datetime.now(UTC)))
    assert (found.timeline.most_blocked, found.timeline.worst_pause, found.worst_pause) == (None, None, None)


@pytest.mark.parametrize("key", SPANS)
def test_the_worst_pause_is_the_moment_of_its_event(key):
    """Rows count whole steps; the event may have blocked for a part of its step only."""
    at = THIS_HOUR - timedelta(hours=1, seconds=-59)
    for minutes, start in ((1, at.replace(second=0)), (1, at.replace(second=0) + timedelta(minutes=1))):
        stored_loop_time(minutes=minutes, start=start, events=1, longest_us=3_700_000)
    stored_loop_time(minutes=60, start=at.replace(minute=0, second=0), events=1, longest_us=3_700_000)
    day = at.replace(hour=0, minute=0, second=0)
    stored_route(hours=24, start=day, events=1, blocked_us=3_000_000, longest_us=3_000_000)
    finding = stored_finding()
    event = stored_event(finding, started_at=at, step_us=3_700_000, duration_us=3_000_000)
    stored_event(finding, started_at=at, step_us=300_000, duration_us=300_000)
    pause = overview_figures(TimeAxis(SPANS[key], datetime.now(UTC))).worst_pause
    assert (pause.event_id, pause.started_at) == (event.pk, at)


def test_a_pause_without_an_event_has_the_time_of_its_row():
    stored_loop_time(start=THIS_HOUR, longest_us=9_000_000, machine_us=9_000_000)
    stored_event(stored_finding(), started_at=THIS_HOUR, step_us=300_000)
    pause = overview_figures(TimeAxis(SPANS["24h"], datetime.now(UTC))).worst_pause
    assert (pause.longest_us, pause.event_id, pause.peak.start) == (9_000_000, None, THIS_HOUR)


def test_the_loop_of_each_process():
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    for ago, busy_us in ((1, 30_000_000), (2, 12_000_000)):
        stored_loop_time(start=minute - timedelta(minutes=ago), busy_us=busy_us, blocked_us=1, longest_us=ago)
    stored_loop_time(start=minute, process_id=2, busy_us=None, blocked_us=9, host="<b>")
    worse, better = overview_figures(TimeAxis(SPANS["1h"], datetime.now(UTC))).processes
    assert (worse.host, worse.process_id, worse.busy, worse.busiest) == ("<b>", 2, None, None)
    assert (better.busy, better.busiest, better.longest_us, better.blocked_us) == (pytest.approx(0.35), 0.5, 2, 2)


@pytest.mark.parametrize("key", SPANS)
def test_impact_is_blocked_time_and_the_delay_of_others(key):
    slow, mean = stored_finding(function="slow", last_seen=NOW), stored_finding(function="mean", last_seen=NOW)
    ignored = stored_finding(function="ignored", status="ignored", last_seen=datetime.now(UTC))
    for finding in (slow, mean):
        finding.first_seen, finding.last_seen = NOW - timedelta(days=800), datetime.now(UTC)
        finding.blocked_us = 99_000_000
        finding.save()
    stored_hour(slow, 600, hour=THIS_HOUR)
    stored_hour(mean, 100, hour=THIS_HOUR, delay_us=900_000, requests_delayed=9)
    stored_hour(ignored, 400, hour=THIS_HOUR)
    stored_hour(slow, 90_000, hour=THIS_HOUR - timedelta(days=500))
    for hours in (1, 24):
        start = THIS_HOUR if hours == 1 else THIS_HOUR.replace(hour=0)
        stored_route(hours=hours, start=start, events=3, blocked_us=1_100_000, delay_us=900_000)
    found = overview_figures(TimeAxis(SPANS[key], datetime.now(UTC)))
    assert [(each.finding.function, each.share) for each in found.worst.findings] == [("mean", 0.5), ("slow", 0.3)]
    assert [each.impact.events for each in found.worst.findings] == [1, 1]
    assert found.worst.ignored == 1


def test_a_finding_younger_than_a_year_has_its_own_totals():
    now = datetime.now(UTC)
    stored_finding(function="young", first_seen=now, last_seen=now, events=7, blocked_us=5, delay_us=4, longest_us=3)
    stored_finding(function="over", first_seen=now - timedelta(days=900), last_seen=now - timedelta(days=400))
    (young,) = overview_figures(TimeAxis(SPANS["1y"], datetime.now(UTC))).worst.findings
    assert (young.impact.events, young.impact.total_us, young.impact.longest_us) == (7, 9, 3)


def test_routes_that_cause_and_routes_that_suffer():
    earlier = THIS_HOUR - timedelta(hours=2)
    stored_route(start=THIS_HOUR, route="pay/", events=1, blocked_us=300, delay_us=400)
    stored_route(start=earlier, route="search/", events=1, blocked_us=300, waits=3, waited_us=100)
    stored_route(start=THIS_HOUR, route="late/", arrivals_late=5, late_us=1_000)
    stored_route(start=THIS_HOUR, route="search/", waits=4, waited_us=200)
    stored_route(start=THIS_HOUR, route="cart/", waits=1, waited_us=700)
    stored_route(start=THIS_HOUR - timedelta(days=2), route="old/", waited_us=700, blocked_us=1)
    stored_route(hours=24, start=THIS_HOUR.replace(hour=0), route="whole days/", waited_us=700, blocked_us=1)
    routes = overview_figures(TimeAxis(SPANS["24h"], datetime.now(UTC))).routes
    pay, search, late, cart = routes.rows
    assert [(each.route, each.share) for each in (pay, search)] == [("pay/", 0.7), ("search/", 0.3)]
    assert routes.most_delayed == late
    assert (late.route, late.share, late.arrivals_late, late.total_waited_us) == ("late/", 0, 5, 1_000)
    assert (cart.route, cart.total_waited_us) == ("cart/", 700)
    assert (search.route, search.waits, search.waited_us) == ("search/", 7, 300)


def test_releases_begin_with_their_first_process():
    def begins(key):
        return [(each.name, each.before) for each in overview_figures(TimeAxis(SPANS[key], datetime.now(UTC))).releases]

    for release, days in (("", 0), ("1.0", 9), ("2.0", 3), ("2.0", 0.1), ("2.1", 0.2)):
        since = THIS_HOUR - timedelta(days=days)
        stored_loop_time(minutes=60, start=THIS_HOUR, since=since, release=release, process_id=days * 10)
    assert begins("24h") == [("2.1", "2.0")]
    assert begins("7d") == [("2.0", "1.0"), ("2.1", "2.0")]
    assert begins("30d") == [("1.0", ""), ("2.0", "1.0"), ("2.1", "2.0")]


def test_the_share_of_the_loops_time_counts_every_loop_that_ran():
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for process_id in range(4):
        stored_loop_time(start=now, process_id=process_id, events=1, blocked_us=3_000_000)
    axis = TimeAxis(SPANS["1h"], now)
    assert overview_figures(axis).loop_share == 0.05
    assert overview_figures(TimeAxis(SPANS["1y"], now)).loop_share is None


def test_a_store_without_time_zones(settings):
    settings.USE_TZ = False
    now = timezone.now().replace(second=0, microsecond=0)
    finding = stored_finding(first_seen=now, last_seen=now)
    stored_hour(finding, 100, hour=now.replace(minute=0))
    today = timezone.make_naive(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
    stored_route(hours=24, start=today, events=1, blocked_us=1)
    stored_loop_time(start=now, since=now, events=1)
    stored_health(since=now, reported_at=now)
    for span in SPANS.values():
        found = overview_figures(TimeAxis(span, datetime.now(UTC)))
        assert len(found.worst.findings) == 1
        if span.rows != 60:
            assert found.impact.events == 1
