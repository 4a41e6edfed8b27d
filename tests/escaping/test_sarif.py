"""Text in SARIF is neither a link nor a placeholder."""

from loopwatch.escaping.sarif import sarif_text


def test_brackets_and_braces_are_escaped():
    assert sarif_text("[a](b) {0}") == r"\[a\](b) {{0}}"


def test_a_backslash_does_not_undo_the_one_before_a_bracket():
    assert sarif_text("\\[a") == r"\\\[a"


def test_control_characters_are_escaped():
    assert sarif_text("\x1b") == r"\\x1b"
