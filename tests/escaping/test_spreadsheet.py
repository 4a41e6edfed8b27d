"""No text is a formula, with any list separator of a spreadsheet."""

from datetime import UTC, datetime

import pytest

from loopwatch.escaping.spreadsheet import cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1"])
def test_text_that_begins_like_a_formula_has_an_apostrophe(text):
    assert cell(text).startswith("'")
    assert cell(text).replace("'", "") == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("x;=1", "x;'=1"),
        ("x; +1", "x;' +1"),
        ('x;"=1', "x;'\"=1"),
        ("x\t@a", "x\t'@a"),
        ("x\n-1", "x\n'-1"),
        ("x;;=1", "x;;'=1"),
    ],
)
def test_a_formula_after_another_separator_has_an_apostrophe(text, safe):
    assert cell(text) == safe


@pytest.mark.parametrize(
    ("text", "safe"), [("\x1b[31m", "\\x1b[31m"), ("a\x00\x9b", "a\\x00\\x9b"), ("a\tb\r\n", "a\tb\r\n")]
)
def test_a_control_character_is_escaped_unless_it_is_a_tab_or_a_line_break(text, safe):
    assert cell(text) == safe


@pytest.mark.parametrize("text", ["", "time.sleep", "a=1", "a;b", "a,=1", "<int:pk>/", "x - 1"])
def test_other_text_is_unchanged(text):
    assert cell(text) == text


def test_values_that_are_not_text_are_unchanged():
    assert [cell(-1), cell(None), cell(1.5), cell(True)] == [-1, None, 1.5, True]
    assert cell(datetime(2026, 11, 1, tzinfo=UTC)) == "2026-11-01T00:00:00+00:00"
