import io
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.color import no_style

from loopwatch.reporting.as_html import render_html
from loopwatch.reporting.as_markdown import render_markdown
from loopwatch.reporting.as_text import render_text
from loopwatch.reporting.thread_waits import ReportedThreadWait, reported_thread_waits, wait_sums
from tests.reporting.reports import a_report
from tests.stored import NOON, stored_finding, stored_wait

SAVE = "chat.consumers.Chat.save"


@pytest.mark.django_db
class TestSums:
    def test_hours_and_releases_are_added_up(self):
        stored_wait(SAVE, 100, 50)
        stored_wait(SAVE, 300, hour=NOON + timedelta(hours=1))
        stored_wait(SAVE, 70, release="1.5")
        (total,) = wait_sums(None, None)
        assert (total.waits, total.waited_ms, total.longest_ms) == (4, 520.0, 300.0)

    def test_only_the_period_counts(self):
        stored_wait(SAVE, 100)
        stored_wait(SAVE, 300, hour=NOON + timedelta(hours=1))
        assert [total.waits for total in wait_sums(NOON + timedelta(hours=1), None)] == [1]

    def test_waits_are_summed_without_time_zone_support(self, settings):
        settings.USE_TZ = False
        stored_wait(SAVE, 100, hour=NOON.replace(tzinfo=None))
        assert [total.waits for total in wait_sums(NOON - timedelta(days=1), None)] == [1]

    def test_the_most_time_waited_comes_first(self):
        stored_wait("views.short", 60)
        stored_wait("views.long", 600)
        assert [total.held_by for total in wait_sums(None, None)] == ["views.long", "views.short"]

    def test_a_call_is_reported_once_a_kind_of_thread_with_its_routes(self):
        stored_wait(SAVE, 100)
        stored_wait(SAVE, 300, method="GET", route="shop/", held_for="GET shop/")
        stored_wait(SAVE, 60, method="", route="", held_for="")
        stored_wait(SAVE, 60, thread="request")
        first, second = reported_thread_waits(wait_sums(None, None))
        assert first == ReportedThreadWait(
            SAVE,
            "process",
            ("GET shop/", "WebSocket ws/chat/"),
            ("GET shop/", "WebSocket ws/chat/"),
            3,
            460.0,
            300.0,
            1,
            1,
            1,
        )
        assert (second.thread, second.waits) == ("request", 1)

    def test_the_largest_number_of_calls_waiting_at_once_is_kept(self):
        stored_wait(SAVE, 100, most_waiting=31)
        stored_wait(SAVE, 100, most_waiting=7, method="GET", route="shop/")
        stored_wait(SAVE, 100, most_waiting=8, method="GET", route="shop/", hour=NOON + timedelta(hours=1))
        sums = wait_sums(None, None)
        assert [total.most_waiting for total in sums] == [8, 31]
        assert [wait.most_waiting for wait in reported_thread_waits(sums)] == [31]

    def test_a_call_of_the_default_executor_is_reported_with_its_share_of_the_threads(self):
        stored_wait("shop.reports.render", 100, thread="executor", threads=6, threads_held=2)
        stored_wait("shop.reports.render", 100, thread="executor", threads=6, threads_held=4, hour=NOON + timedelta(1))
        (wait,) = reported_thread_waits(wait_sums(None, None))
        assert (wait.thread, wait.threads, wait.threads_held) == ("executor", 6, 4)

    def test_the_command_reports_thread_waits_beside_the_findings(self):
        stored_finding()
        stored_wait(SAVE, 100, 50)
        stored_wait("views.other", 60)
        printed = io.StringIO()
        call_command("loopwatch_report", "--format", "json", "--limit", "1", stdout=printed)
        document = json.loads(printed.getvalue())
        assert document["thread_waits"] == [
            {
                "held_by": SAVE,
                "thread": "process",
                "held_for": ["WebSocket ws/chat/"],
                "routes": ["WebSocket ws/chat/"],
                "waits": 2,
                "waited_ms": 150.0,
                "longest_ms": 100.0,
                "most_waiting": 1,
                "threads": 1,
                "threads_held": 1,
            }
        ]
        assert len(document["findings"]) == 1


WAIT = ReportedThreadWait(
    SAVE, "process", ("POST cart/",), ("WebSocket ws/chat/", "GET shop/"), 1204, 90_000.0, 410.0, 31, 1, 1
)


def as_text(report):
    return render_text(report, width=200, style=no_style())


FORMATS = [as_text, render_markdown, render_html]


@pytest.mark.parametrize("render", FORMATS)
@pytest.mark.parametrize("stored", [0, 1])
def test_every_format_for_people_has_thread_waits_with_and_without_findings(render, stored):
    shown = render(a_report(stored=stored, thread_waits=(WAIT,), thread_waits_in_all=9)).replace("\\", "")
    for part in (
        "by the call that held the thread",
        "1 min 30 s",
        "1,204",
        "410 ms",
        "1 of 9 calls that held a thread shown",
    ):
        assert part in shown
    for part in ("consumers", "the process's thread, held for POST cart/", "WebSocket", "ws/chat/"):
        assert part in shown.replace("&#x27;", "'").replace("<wbr>", "")


@pytest.mark.parametrize("render", FORMATS)
def test_a_report_without_thread_waits_does_not_mention_them(render):
    assert "by the call that held the thread" not in render(a_report())


def test_an_unknown_call_and_a_thread_held_for_no_request_are_named_so():
    shown = as_text(a_report(thread_waits=(replace(WAIT, held_by="", held_for=(), thread="request", routes=()),)))
    assert "unknown" in shown
    assert "the request's own thread\n" in shown + "\n"


@pytest.mark.parametrize("render", FORMATS)
def test_every_format_for_people_says_how_many_threads_of_the_default_executor_were_held(render):
    wait = replace(WAIT, thread="executor", threads=6, threads_held=4)
    shown = render(a_report(thread_waits=(wait,))).replace("&#x27;", "'").replace("<wbr>", "").replace("\\", "")
    assert "4 of the default executor's 6 threads, held for POST cart/" in shown


@pytest.mark.parametrize("render", FORMATS)
def test_every_format_for_people_says_how_many_calls_waited_at_once(render):
    assert re.search(r"At once.*\b31\b", render(a_report(thread_waits=(WAIT,))), re.DOTALL)


def test_ongoing_waits_differ_from_no_waits():
    shown = as_text(a_report(thread_waits=(replace(WAIT, waits=0, waited_ms=0.0, longest_ms=120_000.0),)))
    assert re.search("0 ms +ongoing +31 +2 min", shown)
