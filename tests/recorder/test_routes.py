"""Totals of routes count the impact of their stalls and the waits of their requests, by hour and by day."""

from collections import Counter
from datetime import timedelta

import pytest

from loopwatch.detection.calls import KeptOut, Request
from loopwatch.impact import Impact
from loopwatch.models import BlockingEvent, Finding, HourlyTotal, RouteTotal
from loopwatch.recorder import pending as module
from loopwatch.recorder.deltas import HourKey, RouteDelta
from loopwatch.recorder.pending import Pending
from loopwatch.recorder.request_columns import by_route
from tests.recorder.calls import NOON, blocking_call

SEARCH, CART = Request("http", "GET", "search/"), Request("http", "POST", "cart/")


SUFFERED = {
    "requests_delayed": "waits",
    "delay_us": "waited_us",
    "requests_kept_out": "arrivals_late",
    "kept_out_us": "late_us",
}


def late():
    """Return the requests of routes that were kept out."""
    rows = RouteTotal.objects.filter(hours=1, arrivals_late__gt=0).order_by("method", "route")
    return list(rows.values_list("method", "route", "arrivals_late", "late_us"))


def stored():
    """Return the waits of routes, which must be the same by hour and by day."""
    by_hour, by_day = (
        list(
            RouteTotal.objects.filter(hours=hours, waits__gt=0)
            .order_by("method", "route")
            .values_list("method", "route", "waits", "waited_us")
        )
        for hours in (1, 24)
    )
    assert by_hour == by_day
    return by_hour


@pytest.mark.parametrize(
    ("described", "number", "shares"),
    [
        ([], 0, {}),
        ([], 4, {("", ""): 4}),
        ([SEARCH, CART, SEARCH], 3, {("GET", "search/"): 2, ("POST", "cart/"): 1}),
        ([SEARCH, CART, SEARCH], 300, {("GET", "search/"): 200, ("POST", "cart/"): 100}),
        ([SEARCH, CART, SEARCH], 4, {("GET", "search/"): 3, ("POST", "cart/"): 1}),
        ([SEARCH, CART, SEARCH], 0, {}),
        ([Request("http")] * 2, 2, {("", ""): 2}),
    ],
)
def test_the_described_requests_count_for_all_delayed_ones(described, number, shares):
    assert by_route(described, number) == Counter(shares)


def test_a_method_made_up_by_a_client_makes_no_row():
    made_up = [Request("http", "HACK1", "search/"), Request("http", "HACK2", "search/")]
    assert by_route(made_up, 2) == {("OTHER", "search/"): 2}


def test_routes_without_end_are_added_up(monkeypatch):
    monkeypatch.setattr(module, "ROUTES_LIMIT", 3)
    pending = Pending()
    pending.add_routes({HourKey(NOON, "GET", f"{number}/"): RouteDelta(Impact(events=1)) for number in range(10)})
    assert len(pending.routes) <= 4
    assert sum(delta.caused.events for delta in pending.routes.values()) == 10


@pytest.mark.usefixtures("database")
class TestStored:
    @pytest.mark.parametrize("is_supported", [True, False])
    def test_the_waits_of_a_route_are_added_up_over_all_calls(self, recorder_of, database, monkeypatch, is_supported):
        monkeypatch.setattr(type(database.features), "supports_update_conflicts", is_supported)
        recorder = recorder_of()
        recorder.put(blocking_call(waiting=3, delayed=(SEARCH, CART, SEARCH), duration_ms=100.0))
        recorder.put(blocking_call(waiting=1, delayed=(CART,), duration_ms=50.0, function="views.other"))
        assert recorder.flush(60)
        recorder.put(blocking_call(waiting=1, delayed=(CART,), duration_ms=1.0))
        assert recorder.flush(60)
        assert stored() == [("GET", "search/", 2, 200_000), ("POST", "cart/", 3, 151_000)]

    def test_an_event_knows_the_routes_that_waited(self, recorder_of):
        recorder = recorder_of()
        recorder.put(blocking_call(waiting=30, delayed=(SEARCH, CART, SEARCH)))
        assert recorder.flush(60)
        assert BlockingEvent.objects.get().delayed_routes == [["GET", "search/", 20], ["POST", "cart/", 10]]

    def test_a_stall_that_goes_on_delays_its_requests_once(self, recorder_of):
        recorder = recorder_of()
        for duration_ms, is_ongoing in ((5_000.0, True), (10_000.0, True), (11_000.0, False)):
            call = blocking_call(
                stall_id="one", waiting=2, delayed=(SEARCH, CART), duration_ms=duration_ms, ongoing=is_ongoing
            )
            recorder.put(call)
            assert recorder.flush(60)
        both = (1, 11_000_000)
        assert stored() == [("GET", "search/", *both), ("POST", "cart/", *both)]

    @pytest.mark.parametrize("is_supported", [True, False])
    def test_requests_kept_out_are_added_up_by_route(self, recorder_of, database, monkeypatch, is_supported):
        monkeypatch.setattr(type(database.features), "supports_update_conflicts", is_supported)
        recorder = recorder_of()
        recorder.put(blocking_call(kept_out=KeptOut(30, 100.0, (SEARCH, CART, SEARCH)), request=SEARCH))
        assert recorder.flush(60)
        recorder.put(blocking_call(kept_out=KeptOut(1, 7.0, (CART,)), request=SEARCH))
        assert recorder.flush(60)
        assert late() == [("GET", "search/", 20, 66_666), ("POST", "cart/", 11, 40_334)]
        causing = RouteTotal.objects.filter(hours=24, events__gt=0).values_list("requests_kept_out", "kept_out_us")
        assert list(causing) == [(31, 107_000)]

    def test_a_stall_that_goes_on_keeps_its_requests_out_once(self, recorder_of):
        recorder = recorder_of()
        for kept_out, is_ongoing in ((KeptOut(1, 300.0, (SEARCH,)), True), (KeptOut(4, 800.0, (SEARCH,)), False)):
            recorder.put(blocking_call(stall_id="one", duration_ms=6_000.0, kept_out=kept_out, ongoing=is_ongoing))
            assert recorder.flush(60)
        assert late() == [("GET", "search/", 4, 800_000)]
        assert Finding.objects.get().impact == Impact(1, 6_000_000, 6_000_000, 0, 0, 4, 800_000)
        event = BlockingEvent.objects.get()
        assert (event.requests_kept_out, event.kept_out_us) == (4, 800_000)

    def test_route_totals_add_up_to_what_the_findings_say(self, recorder_of):
        recorder = recorder_of()
        for number in range(300):
            requests = tuple(Request("http", "GET", f"{each % 7}/") for each in range(number % 5))
            delayed = {
                "waiting": number % 9,
                "delayed": requests,
                "kept_out": KeptOut(number % 8, number / 7, requests),
            }
            recorder.put(blocking_call(minute=number, duration_ms=1.0 + number, **delayed))
        assert recorder.flush(60)
        for hours in (1, 24):
            rows = RouteTotal.objects.filter(hours=hours)
            for column, waited in SUFFERED.items():
                sums = [sum(rows.values_list(name, flat=True)) for name in (column, waited)]
                assert sums == [sum(HourlyTotal.objects.values_list(column, flat=True))] * 2
                assert sums[0] > 0
            for column in ("events", "blocked_us"):
                assert sum(rows.values_list(column, flat=True)) == sum(
                    HourlyTotal.objects.values_list(column, flat=True)
                )

    def test_a_day_is_a_day_of_utc(self, recorder_of):
        recorder = recorder_of()
        for hours in (0, 11, 12):
            recorder.put(blocking_call(minute=60.0 * hours, duration_ms=100.0 + hours))
        assert recorder.flush(60)
        days = RouteTotal.objects.filter(hours=24).order_by("start")
        midnight = NOON.replace(hour=0)
        assert list(days.values_list("start", "method", "route", "events", "blocked_us", "longest_us")) == [
            (midnight, "POST", "checkout/<int:pk>/", 2, 211_000, 111_000),
            (midnight + timedelta(days=1), "POST", "checkout/<int:pk>/", 1, 112_000, 112_000),
        ]
