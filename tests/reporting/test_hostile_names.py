"""Names may contain anything: the output of every format is read by that format's parser."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from django.core.management.color import no_style
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from loopwatch.escaping.terminal import visible
from loopwatch.reporting.as_collapsed import render_collapsed
from loopwatch.reporting.as_csv import render_csv
from loopwatch.reporting.as_github import render_github
from loopwatch.reporting.as_html import render_html
from loopwatch.reporting.as_json import render_json
from loopwatch.reporting.as_markdown import render_markdown
from loopwatch.reporting.as_sarif import render_sarif
from loopwatch.reporting.as_speedscope import render_speedscope
from loopwatch.reporting.as_text import render_text
from loopwatch.reporting.finding_message import title
from loopwatch.reporting.flame import SampledEvent, merge
from loopwatch.reporting.repository import Repository
from loopwatch.reporting.thread_waits import ReportedThreadWait
from tests.escaping.names import is_invisible, names
from tests.reporting.reports import NOBODY, a_finding, a_group, a_report, compared, grouped


def finding_named(name, **columns):
    marked = {"status": name, "cause": name, "exact": False}
    named = {"blocking_call": name, "function": f"f {name}", "filename": name, "source": name, "routes": (name, name)}
    return a_finding(**named | marked | columns)


def report_of(name):
    wait = ReportedThreadWait(name, "process", (name,), (name,), 3, 90.0, 40.0, 1, 1, 1)
    health = replace(NOBODY, processes=1, errors={name: 3})
    findings = finding_named(name), finding_named(name, filename="loopwatch/models.py")
    return a_report(*findings, thread_waits=(wait,), thread_waits_in_all=1, health=health)


def grouped_by(name):
    return grouped(a_group(name=name, worst=f"w {name}"))


def compared_with(name):
    report = compared(finding_named(name))
    return replace(report, comparison=replace(report.comparison, after=replace(report.comparison.after, name=name)))


every_report = pytest.mark.parametrize("build", [report_of, grouped_by, compared_with])


@every_report
@given(name=names, width=st.sampled_from([40, 80, 200]))
def test_no_name_is_a_command_to_the_terminal(build, name, width):
    text = render_text(build(name), width=width, style=no_style())
    assert not [char for char in text if is_invisible(char) and char != "\n"]


@every_report
@given(name=names)
def test_json_has_names_as_they_are(build, name):
    report = json.loads(render_json(build(name)))
    rows = report.get("findings") or report["groups"]
    assert rows[0].get("blocking_call", rows[0].get("route")) == name


@every_report
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@given(name=names)
def test_no_name_is_a_formula_of_a_spreadsheet(build, separator, name):
    rows = list(csv.reader(io.StringIO(render_csv(build(name)), newline=""), delimiter=separator))
    for text in (cell for row in rows for cell in row):
        assert not re.match(r"[\s\"]*[=+\-@＝＋－＠]", text), text


def uncontrolled(name):
    """Return the name with its control characters escaped, except tabs and line breaks."""
    return re.sub(r"(?![\t\r\n])[\0-\x1f\x7f-\x9f]", lambda found: found[0].encode("unicode_escape").decode(), name)


@given(name=names)
def test_a_name_is_in_its_own_column_of_csv(name):
    first, second = csv.DictReader(io.StringIO(render_csv(report_of(name)), newline=""))
    for row in (first, second):
        assert row["blocking_call"].replace("'", "") == uncontrolled(name).replace("'", "")
        assert row["fingerprint"] == "f" * 32


@every_report
@given(name=names)
def test_no_name_is_markup_in_markdown(build, name):
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(render_markdown(build(name)))
    found = [token for block in tokens for token in (block.children or [block])]
    tags = {token.content for token in found if token.type in {"html_inline", "html_block"}}
    assert tags <= {"<br>", "<code>", "</code>"}
    assert not [token for token in found if token.type in {"link_open", "image", "s_open", "em_open" if name else ""}]
    assert {len(row) for row in rows_of(tokens)} <= {4, 5, 7}


def rows_of(tokens):
    """Return the cells of each row of a table."""
    rows = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type in {"td_open", "th_open"}:
            rows[-1].append(token)
    return rows


class Page(HTMLParser):
    """The tags of a page, with the names of their attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, sorted(name for name, _ in attributes)))


@every_report
@given(name=names)
def test_no_name_is_markup_in_html(build, name):
    ordinary = {tag for tag, _ in Page(render_html(build("shop.views.checkout"))).tags} | {"wbr"}
    page = Page(render_html(build(name)))
    assert {tag for tag, _ in page.tags} <= ordinary
    assert not [name for _, names in page.tags for name in names if name.startswith("on")]


@pytest.fixture(scope="module")
def repository():
    return Repository()


@pytest.mark.parametrize("build", [report_of, compared_with])
@given(name=names)
def test_no_name_is_a_link_or_a_placeholder_in_sarif(build, repository, name):
    text = render_sarif(build(name), repository)
    Sarif.model_validate_json(text)
    (run,) = json.loads(text)["runs"]
    messages = [each["message"]["text"] for each in run["results"]]
    messages += [each["message"]["text"] for each in run["invocations"][0]["toolExecutionNotifications"]]
    assert messages
    for message in messages:
        plain = re.sub(r"\\[\\\[\]]|\{\{|\}\}", "", message)
        assert not re.search(r"[\\\[\]{}]", plain), message
        assert not any(map(is_invisible, message))


@pytest.mark.parametrize("build", [report_of, compared_with])
@given(name=names)
def test_no_name_is_a_command_of_github(build, repository, name):
    report = build(name)
    for line in render_github(report, repository).split("\n"):
        properties = re.fullmatch(r"::warning (.*?)::.*", line)[1]
        assert not any(map(is_invisible, line))
        named = dict(part.split("=", 1) for part in properties.split(","))
        assert unescaped(named["title"]) == title(report.findings[0])
        assert set(named) <= {"title", "file", "line"}


def unescaped(text):
    """Read a property as the runner of GitHub Actions does."""
    for code, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, char)
    return text


def graph_of(name):
    frame = [name, name, name, 1, 0, 0, 0, 1, ""]
    stacks = {"version": 1, "frames": [frame], "samples": [[5.0, [0]]]}
    return merge([SampledEvent(stacks, f"leaf {name}", 5.0)])


@given(name=names)
def test_no_name_ends_its_frame_in_collapsed_stacks(name):
    (line,) = render_collapsed(graph_of(name)).splitlines()
    stack, duration = line.rsplit(" ", 1)
    assert int(duration) == 5_000
    assert stack.split(";") == [
        visible(f"{name}.{name}" if name else "").replace(";", ":") or "?",
        visible(f"leaf {name}").replace(";", ":"),
    ]


@given(name=names)
@example("\udc80")
def test_speedscope_has_names_as_they_are_but_for_lone_surrogates(name):
    document = json.loads(render_speedscope(graph_of(name), name))
    shown = re.sub("[\ud800-\udfff]", "\ufffd", name)
    assert document["name"] == shown
    assert document["shared"]["frames"][-1]["name"] == f"leaf {shown}"
