"""Each format renders findings, groups and comparisons, and escapes hostile names."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management.color import no_style

from loopwatch.reporting.as_csv import render_csv
from loopwatch.reporting.as_html import render_html
from loopwatch.reporting.as_json import render_json
from loopwatch.reporting.as_markdown import render_markdown
from loopwatch.reporting.as_text import render_text
from loopwatch.reporting.finding_message import message, title
from loopwatch.reporting.terminal import width_of
from loopwatch.reporting.thread_waits import ReportedThreadWait
from tests.reporting.reports import HOSTILE, a_finding, a_group, a_report, compared, grouped

WAIT = ReportedThreadWait("shop.views.price", "process", (), (), 2, 300.0, 200.0, 1, 1, 1)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "report.md"
KINDS = ["new", "worse", "gone", "better", "same"]


def text(report, width=200):
    return render_text(report, width=width, style=no_style())


@pytest.mark.parametrize("render", [text, render_html, render_markdown, render_json, render_csv])
def test_a_finding_is_named_by_the_call_and_by_the_detail(render):
    shown = render(a_report(a_finding(called_name="requests.get", blocking_call="socket.recv")))
    plain = shown.replace("\u200b", "").replace("<wbr>", "").replace("\\u2192", "→")
    assert "requests.get → socket.recv" in plain


LOCATES = {"other_function": "shop.locate", "other_called_name": "time.sleep", "other_lineno": 7, "other_ms": 200.0}


@pytest.mark.parametrize("render", [text, render_html, render_markdown])
@pytest.mark.parametrize(
    ("place", "words"),
    [
        pytest.param({}, "and 200 ms of time.sleep in shop.locate, line 7", id="elsewhere"),
        pytest.param({"other_called_name": "shop.locate"}, "and 200 ms in shop.locate, line 7", id="own time there"),
        pytest.param({"other_function": "shop.views.checkout"}, "200 ms of it at line 7", id="another line"),
    ],
)
def test_a_finding_has_the_second_place_of_its_step(render, place, words):
    finding = a_finding(called_name="time.sleep", **LOCATES | place)
    assert words in render(a_report(finding)).replace("\u200b", "").replace("<wbr>", "")


@pytest.mark.parametrize("render", [text, render_html, render_markdown])
def test_a_finding_says_how_many_calls_were_seen(render):
    assert "at least 14 calls" in render(a_report(a_finding(calls_seen=14)))
    assert "calls" not in render(a_report(a_finding(calls_seen=1))).replace("calls that", "")


def test_a_message_says_how_many_calls_were_seen():
    assert "The newest step made at least 14 of these calls." in message(a_finding(calls_seen=14))


def test_a_message_advises_to_ask_once_instead_of_many_times():
    assert "select_related" in message(a_finding(called_name="django.db.models.QuerySet.get", calls_seen=14))


def test_a_message_has_the_second_place_of_the_step():
    assert "In the newest step: 200 ms of time.sleep in shop.locate, line 7." in message(a_finding(**LOCATES))


class TestText:
    def test_a_finding_has_the_source_of_its_call_in_one_line(self):
        report = a_report(a_finding(source="json.dumps(\n    books,\n)"))
        assert [line.strip() for line in text(report, width=100).splitlines()][5:7] == [
            "in shop.views.checkout  shop/views.py:41",
            "json.dumps( books, )",
        ]

    def test_a_finding_without_source_has_no_line_for_it(self):
        with_source, without = (text(a_report(a_finding(source=source))) for source in ("time.sleep(0.1)", ""))
        assert with_source.count("\n") == without.count("\n") + 1

    def test_groups_have_their_name_and_their_worst_finding(self):
        shown = text(grouped(a_group(), a_group(name="", findings=1)))
        assert re.search(r"300 ms +3 +120 ms +110 ms +7 +2  GET cart/\n +mostly time\.sleep in shop", shown)
        assert re.search(r"1  no route\n +time\.sleep in shop", shown)

    def test_a_group_that_is_its_own_finding_is_named_once(self):
        report = grouped(a_group(name="shop.views.checkout", worst="shop.views.checkout"))
        assert text(report).count("shop.views.checkout") == 1

    def test_that_hosts_know_their_findings_from_a_selection_is_said(self):
        assert "known only from stored events" in text(grouped(a_group(), group_by="host"))

    def test_a_limited_report_says_how_many_groups_it_shows(self):
        assert "1 of 9 groups shown" in text(replace(grouped(a_group()), groups_in_all=9))

    def test_a_comparison_has_a_table_for_each_kind(self):
        shown = text(compared())
        assert shown.startswith("From 1.4 to 1.5: 1 new, 1 worse, 1 gone, 1 better, 1 about the same\n")
        headings = ["New", "Worse", "Gone", "Better", "About the same"]
        assert [line for line in shown.splitlines() if line in headings] == headings
        assert "90 ms → 900 ms 0.9 → 9 100 ms → 100 ms" in " ".join(shown.split())

    @pytest.mark.parametrize("width", [60, 80, 129, 130, 200])
    def test_no_line_is_wider_than_the_terminal(self, width):
        names = {"blocking_call": "x" * 300, "function": "名" * 150, "filename": HOSTILE * 5, "routes": (HOSTILE,) * 9}
        finding, group = a_finding(**names), a_group(name="x" * 300, worst=HOSTILE * 9)
        for report in (a_report(finding), compared(finding), grouped(group)):
            assert max(map(width_of, text(report, width).splitlines())) <= width


class TestJson:
    def test_groups_are_named_by_what_they_are_grouped_by(self):
        document = json.loads(render_json(grouped(a_group())))
        assert list(document) == [
            "generated_at", "since", "totals", "group_by", "groups_in_all", "groups",
        ]  # fmt: skip
        assert document["groups"][0]["route"] == "GET cart/"
        assert document["groups"][0]["worst"] == "time.sleep in shop.views.checkout"

    def test_a_comparison_has_both_releases_and_both_rates(self):
        document = json.loads(render_json(compared()))
        assert document["comparison"]["before"]["release"] == "1.4"
        assert document["comparison"]["counts"] == dict.fromkeys(KINDS, 1)
        change = document["findings"][1]["change"]
        assert (change["kind"], change["too_early"]) == ("worse", False)
        assert (change["before"]["events_per_hour"], change["after"]["blocked_ms_per_hour"]) == (0.9, 900)

    def test_json_is_the_documented_object(self):
        documented = re.search(
            r"^The JSON object:\n\n```\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE
        )[1]
        printed = json.loads(render_json(a_report(a_finding(), thread_waits=(WAIT,))))
        (finding,), (wait,) = printed["findings"], printed["thread_waits"]
        assert set(re.findall(r'"(\w+)"', documented)) == {*printed, *printed["totals"], *finding, *wait}

    def test_without_a_comparison_findings_have_no_change(self):
        (finding,) = json.loads(render_json(a_report(a_finding())))["findings"]
        assert "change" not in finding


class TestCsv:
    def rows(self, report):
        return list(csv.DictReader(io.StringIO(render_csv(report), newline="")))

    def test_every_finding_is_a_row(self):
        (row,) = self.rows(a_report(a_finding(blocking_call=HOSTILE)))
        assert (row["blocking_call"], row["blocked_ms"]) == (HOSTILE.replace("\x1b", "\\x1b"), "300.0")
        assert row["routes"] == "GET shop/<int:pk>/, POST cart/"
        assert row["first_seen"] == "2026-11-01T12:00:00+00:00"

    def test_every_group_is_a_row(self):
        (row,) = self.rows(grouped(a_group(p95_ms=None)))
        assert (row["route"], row["findings"], row["p95_ms"]) == ("GET cart/", "2", "")

    def test_a_comparison_has_both_sides_in_columns(self):
        rows = self.rows(compared())
        assert [row["change_kind"] for row in rows] == KINDS
        assert (rows[1]["change_before_events"], rows[1]["change_after_events"]) == ("9", "90")

    def test_without_rows_the_headings_remain(self):
        assert render_csv(a_report()).startswith("headline,fingerprint,blocking_call,called_name,function,")
        assert render_csv(grouped()).startswith("route,findings,events,")


def test_a_finding_of_a_thread_says_that_the_thread_kept_the_gil():
    finding = a_finding(cause="GIL held by a thread")
    assert title(finding) == "time.sleep in a thread keeps the GIL from the event loop"
    assert "kept the GIL in a thread, and so blocked the event loop" in message(finding)
