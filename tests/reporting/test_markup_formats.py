"""Markdown and HTML have tables of findings, groups and comparisons, and escape hostile names."""

import re
from html.parser import HTMLParser

import pytest
from django.utils import translation

from loopwatch.reporting.as_html import render_html
from loopwatch.reporting.as_markdown import render_markdown
from tests.reporting.reports import a_finding, a_group, a_report, compared, grouped


class TestMarkdown:
    def test_a_finding_is_a_row_of_a_table(self):
        lines = render_markdown(a_report(a_finding())).splitlines()
        assert lines[0] == "### 1 open finding: 3 events blocked the event loop for 300 ms in total"
        assert lines[2].count("|") == lines[3].count("|") == lines[4].count("|") == 8
        assert (
            "**`time.sleep`**<br>in `shop.views.checkout`<br>`shop/views.py:41`<br>`GET shop/<int:pk>/` + 1 more"
            in lines[4]
        )

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
