"""Each format renders findings, groups and comparisons, and escapes hostile names."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.core.management.color import no_style
from django.utils import translation
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from loopwatch.escaping.terminal import visible
from loopwatch.reporting.as_csv import render_csv
from loopwatch.reporting.as_flake8_async import render_flake8_async
from loopwatch.reporting.as_github import render_github
from loopwatch.reporting.as_html import render_html
from loopwatch.reporting.as_json import render_json
from loopwatch.reporting.as_markdown import render_markdown
from loopwatch.reporting.as_sarif import outside, render_sarif
from loopwatch.reporting.as_text import render_text
from loopwatch.reporting.finding_message import message, title
from loopwatch.reporting.repository import Repository
from loopwatch.reporting.terminal import width_of
from loopwatch.reporting.thread_waits import ReportedThreadWait
from loopwatch.rows.stacks import StoredFrame
from tests.reporting.reports import HOSTILE, a_finding, a_group, a_report, compared, grouped

WAIT = ReportedThreadWait("shop.views.price", "process", (), (), 2, 300.0, 200.0, 1, 1, 1)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "report.md"
KINDS = ["new", "worse", "gone", "better", "same"]


def text(report, width=200):
    return render_text(report, width=width, style=no_style())


def frame(filename, function, lineno):
    module = filename.removesuffix(".py").replace("/", ".")
    return StoredFrame(filename, module, function, lineno, lineno, 0, 0, True, "")


@pytest.fixture
def repository(tmp_path, settings):
    """Makes a repository with shop/views.py."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "views.py").write_text("\n" * 40 + "    time.sleep(0.1)\n")
    settings.BASE_DIR = tmp_path
    return Repository(str(tmp_path))


@pytest.mark.parametrize("render", [text, render_html, render_markdown, render_json, render_csv])
def test_a_finding_is_named_by_the_call_and_by_the_detail(render):
    shown = render(a_report(a_finding(called_name="requests.get", blocking_call="socket.recv")))
    plain = shown.replace("\u200b", "").replace("<wbr>", "").replace("\\u2192", "→")
    assert "requests.get → socket.recv" in plain


@pytest.mark.parametrize("render", [render_github, render_sarif])
def test_a_result_is_named_by_the_call_and_by_the_detail(render, repository):
    shown = render(a_report(a_finding(called_name="requests.get", blocking_call="socket.recv")), repository)
    assert "requests.get → socket.recv in shop.views.checkout" in shown.replace("\\u2192", "→")


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
        for report in (compared(a_finding(**names)), grouped(a_group(name="x" * 300, worst=HOSTILE * 9))):
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

    def test_no_name_is_a_formula(self):
        (row,) = self.rows(a_report(a_finding(blocking_call="=1+1")))
        assert row["blocking_call"] == "'=1+1"


class TestMarkdown:
    def test_a_finding_is_a_row_of_a_table(self):
        lines = render_markdown(a_report(a_finding())).splitlines()
        assert lines[0] == "### 1 open finding: 3 events blocked the event loop for 300 ms in total"
        assert lines[2].count("|") == lines[3].count("|") == lines[4].count("|") == 8
        assert (
            "**`time.sleep`**<br>in `shop.views.checkout`<br>`shop/views.py:41`<br>`GET shop/<int:pk>/` + 1 more"
            in lines[4]
        )

    @pytest.mark.parametrize("name", [HOSTILE, "a|b", "`", "``x", "a\\|b"])
    def test_no_name_leaves_its_cell(self, name):
        table = render_markdown(a_report(a_finding(blocking_call=name, function=name, filename=name, routes=(name,))))
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert [len(re.findall(r"\|", row)) for row in rows] == [8, 8, 8]
        shown = re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), rows[2])
        assert shown.count(visible(name)) >= 2
        assert rows[2].count("`") % 2 == 0

    def test_the_name_of_a_release_is_escaped_in_headlines(self):
        report = compared()
        report = replace(
            report, comparison=replace(report.comparison, after=replace(report.comparison.after, name="<b>*"))
        )
        assert render_markdown(report).startswith(r"### From 1.4 to \<b\>\*: ")

    def test_groups_and_comparisons_have_tables(self):
        assert "**`GET cart/`**<br>mostly `time.sleep in shop.views.checkout` | 300 ms" in render_markdown(
            grouped(a_group())
        )
        assert re.findall(r"^#### (.+)$", render_markdown(compared()), re.MULTILINE) == [
            "New", "Worse", "Gone", "Better", "About the same",
        ]  # fmt: skip

    def test_an_empty_store_says_what_to_check(self):
        assert "- Is loopwatch enabled?" in render_markdown(a_report(stored=0))


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


class TestHtml:
    def test_html_has_the_figures_and_names(self):
        page = Page(render_html(a_report(a_finding(reopened=True))))
        for part in ("1 open finding", "time.sleep", "reopened", "shop/views.py:41", "time.sleep(0.1)", "110 ms", "7"):
            assert part in page.text
        assert "Await asyncio.sleep()" in page.text

    @pytest.mark.parametrize("report", [a_report(a_finding()), compared(), grouped(a_group()), a_report(stored=0)])
    def test_html_loads_no_other_file_and_runs_no_script(self, report):
        for tag, attributes in Page(render_html(report)).tags:
            assert tag not in {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"}
            assert not {name for name in attributes if name in {"src", "href", "style"} or name.startswith("on")}

    def test_html_escapes_names(self):
        names = dict.fromkeys(("blocking_call", "filename", "source"), HOSTILE) | {"function": f"f{HOSTILE}"}
        harmless = a_finding(function="f", source="x", routes=("a", "b"))
        expected = [tag for tag, _ in Page(render_html(a_report(harmless))).tags if tag != "wbr"]
        page = Page(render_html(a_report(a_finding(**names, routes=(HOSTILE, HOSTILE)))))
        assert [tag for tag, _ in page.tags if tag != "wbr"] == expected
        assert page.text.count("<script>alert('ü')</script>|`x` *y*") == 6

    def test_groups_and_comparisons_have_tables(self):
        assert "mostly time.sleep in shop.views.checkout" in " ".join(
            Page(render_html(grouped(a_group()))).text.split()
        )
        page = Page(render_html(compared()))
        assert [tag for tag, _ in page.tags].count("table") == 5
        assert "90 ms → 900 ms" in page.text

    def test_a_site_without_templates_can_render_html(self, settings):
        settings.TEMPLATES = []
        assert "time.sleep" in render_html(a_report(a_finding()))

    def test_html_is_right_to_left_in_a_language_that_is(self):
        with translation.override("ar"):
            assert Page(render_html(a_report())).tags[0] == ("html", {"lang": "ar", "dir": "rtl"})

    def test_an_empty_store_says_what_to_check(self):
        assert "Is loopwatch enabled?" in Page(render_html(a_report(stored=0))).text


class TestGithub:
    def test_a_finding_is_a_warning_on_its_line(self, repository):
        (line,) = render_github(a_report(a_finding()), repository).splitlines()
        assert line.startswith(
            "::warning title=time.sleep blocks the event loop,file=shop/views.py,line=41::time.sleep in"
        )
        assert "3 times, for up to 120 ms (p95 110 ms)" in line
        assert "7 other requests were delayed by 840 ms in total" in line
        assert "Await asyncio.sleep()" in line

    def test_a_warning_says_how_many_requests_were_kept_out(self, repository):
        kept_out = {"requests_kept_out": 97, "kept_out_ms": 4_000.0}
        (line,) = render_github(a_report(a_finding(**kept_out)), repository).splitlines()
        assert "About 97 requests were kept out meanwhile, for 4.0 s in total (estimate)." in line

    def test_a_finding_outside_of_the_repository_has_no_line(self, repository):
        (line,) = render_github(a_report(a_finding(filename="asgiref/sync.py")), repository).splitlines()
        assert line.startswith("::warning title=time.sleep blocks the event loop::")
        assert line.endswith("outside of the repository: asgiref/sync.py:41")

    def test_no_name_ends_the_command_or_a_property(self, repository):
        names = dict.fromkeys(("blocking_call", "called_name", "function", "filename"), f"a,b:c\r\n{HOSTILE}")
        (line,) = render_github(a_report(a_finding(**names)), repository).splitlines()
        _, command, _ = line.split("::", 2)
        assert command.startswith("warning title=a%2Cb%3Ac")
        assert command.count(",") == 0

    def test_of_a_comparison_what_is_new_or_worse_is_warned_of(self, repository):
        assert len(render_github(compared(), repository).splitlines()) == 2
        assert render_github(compared(a_finding(status="ignored")), repository) == ""


class TestSarif:
    def run(self, report, repository):
        document = json.loads(render_sarif(report, repository))
        Sarif.model_validate(document)
        (run,) = document["runs"]
        return run

    def test_a_finding_is_a_result_on_its_line(self, repository):
        run = self.run(a_report(a_finding()), repository)
        (result,) = run["results"]
        assert result["locations"][0]["physicalLocation"] == {
            "artifactLocation": {"uri": "shop/views.py", "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": 41},
        }
        assert result["ruleId"] in {rule["id"] for rule in run["tool"]["driver"]["rules"]}
        assert "%SRCROOT%" in run["originalUriBaseIds"]
        assert result["partialFingerprints"] == {"loopwatchFinding/v1": "f" * 32}
        assert str(repository.root) not in json.dumps(run)

    def test_a_finding_outside_of_the_repository_is_a_notification_and_no_result(self, repository):
        elsewhere = a_finding(filename="asgiref/sync.py")
        report = a_report(elsewhere, a_finding(filename=""), a_finding())
        run = self.run(report, repository)
        assert len(run["results"]) == 1
        told = run["invocations"][0]["toolExecutionNotifications"]
        assert "(asgiref/sync.py:41)" in told[0]["message"]["text"]
        assert "no file is known" in told[1]["message"]["text"]
        assert outside(report, repository) == list(report.findings[:2])

    def test_a_comparison_is_a_baseline(self, repository):
        results = self.run(compared(), repository)["results"]
        states = ["new", "updated", "absent", "updated", "unchanged"]
        assert [result["baselineState"] for result in results] == states
        assert (
            "90 times, for up to 100 ms (p95 100 ms), 9.0 s in total. It has not been seen since."
            in (results[2]["message"]["text"])
        )

    def test_what_is_ignored_is_suppressed(self, repository):
        (result,) = self.run(a_report(a_finding(status="ignored")), repository)["results"]
        assert result["suppressions"] == [{"kind": "external"}]

    def test_a_stack_is_the_way_through_the_repository_to_the_call(self, repository):
        frames = [
            frame("shop/views.py", "buy", 7),
            frame("asgiref/sync.py", "main", 9),
            frame("shop/views.py", "checkout[0]", 41),
        ]
        report = a_report(a_finding(), a_finding(fingerprint="other"))
        document = json.loads(render_sarif(report, repository, {"f" * 32: frames}))
        Sarif.model_validate(document)
        result, other = document["runs"][0]["results"]
        ((flow,),) = [each["threadFlows"] for each in result["codeFlows"]]
        steps = [step["location"] for step in flow["locations"]]
        assert [step["message"]["text"] for step in steps] == ["shop.views.buy", r"shop.views.checkout\[0\]"]
        assert [step["physicalLocation"]["region"]["startLine"] for step in steps] == [7, 41]
        assert "codeFlows" not in other

    def test_a_stack_without_a_frame_in_the_repository_is_no_flow(self, repository):
        text = render_sarif(a_report(a_finding()), repository, {"f" * 32: [frame("asgiref/sync.py", "main", 9)]})
        assert "codeFlows" not in text

    def test_of_a_recursion_the_innermost_steps_are_shown(self, repository):
        frames = [frame("shop/views.py", f"f{number}", 7) for number in range(2_000)]
        document = json.loads(render_sarif(a_report(a_finding()), repository, {"f" * 32: frames}))
        steps = document["runs"][0]["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"]
        assert [steps[0]["location"]["message"]["text"], len(steps)] == ["shop.views.f1900", 100]

    def test_paths_are_uri_references(self, repository):
        folder = repository.root / "ein Läd:en #1"
        folder.mkdir()
        (folder / "views.py").write_text("\n" * 50)
        (result,) = self.run(a_report(a_finding(filename="ein Läd:en #1/views.py")), repository)["results"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert uri == "ein%20L%C3%A4d%3Aen%20%231/views.py"

    @pytest.mark.parametrize(
        "report",
        [
            a_report(),
            a_report(stored=0),
            a_report(a_finding(blocking_call=HOSTILE, function=HOSTILE, events=0, lineno=0, cause=HOSTILE)),
        ],
    )
    def test_odd_reports_are_valid_sarif(self, repository, report):
        self.run(report, repository)


class TestFlake8Async:
    @pytest.fixture(autouse=True)
    def bank(self, repository):
        lines = ["async def pay():", "    charge(1)", "def charge(total):", "    time.sleep(total)"]
        (repository.root / "shop" / "bank.py").write_text("\n".join(lines))

    def test_a_plain_function_that_blocks_is_named_once(self, repository):
        charge = a_finding(function="shop.bank.charge", filename="shop/bank.py", lineno=4, source="time.sleep(total)")
        assert render_flake8_async(a_report(charge, charge), repository).splitlines() == [
            "[flake8]",
            "async200-blocking-calls =",
            "    shop.bank.charge -> asyncio.to_thread(shop.bank.charge),",
        ]

    @pytest.mark.parametrize(
        "columns",
        [
            {"function": "shop.bank.pay", "lineno": 2, "source": "charge(1)"},
            {"function": "shop.bank.charge.<locals>.again"},
            {"function": HOSTILE},
            {"filename": "asgiref/sync.py"},
        ],
    )
    def test_coroutine_functions_and_what_cannot_be_named_are_left_out(self, repository, columns):
        charge = {
            "function": "shop.bank.charge",
            "filename": "shop/bank.py",
            "lineno": 4,
            "source": "time.sleep(total)",
        }
        report = a_report(a_finding(**charge | columns))
        assert render_flake8_async(report, repository) == "[flake8]\nasync200-blocking-calls ="


def test_a_finding_of_a_thread_says_that_the_thread_kept_the_gil():
    finding = a_finding(cause="GIL held by a thread")
    assert title(finding) == "time.sleep in a thread keeps the GIL from the event loop"
    assert "kept the GIL in a thread, and so blocked the event loop" in message(finding)
