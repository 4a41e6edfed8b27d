import pytest

from loopwatch.escaping.terminal import visible
from loopwatch.reporting.terminal import shorten, width_of


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("名前", 4), ("😀", 2), ("e\u0301", 1), ("", 0)])
def test_width_is_what_a_terminal_shows(text, width):
    assert width_of(text) == width


@pytest.mark.parametrize("text", ["shop.views.checkout" * 10, "名" * 50, "a名" * 30, "😀" * 30, "e\u0301" * 60])
@pytest.mark.parametrize("width", [1, 2, 3, 10, 39, 40])
def test_a_long_text_is_cut_to_the_width(text, width):
    assert width - 2 <= width_of(shorten(text, width)) <= width


def test_both_ends_of_a_name_stay():
    assert shorten("cryptography.hazmat.Hash.finalize", 15) == "cryptog…inalize"


def test_a_text_that_fits_is_left_alone():
    assert shorten("名前", 4) == "名前"


def test_what_would_command_a_terminal_is_spelled_out():
    assert visible("a\x1b[31m\r\n\u202eb\u2028\ud800é名") == r"a\x1b[31m\r\n\u202eb\u2028\ud800é名"
