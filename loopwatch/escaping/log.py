"""Text for logs: on one line, so that no name forges a second one, and safe to be read on a terminal."""

from loopwatch.escaping.terminal import visible


def log_text(text: str, length: int) -> str:
    """The beginning of the text, at most ``length`` characters; runs of white space become one blank."""
    line = visible(" ".join(text[: 2 * length].split()))
    return line if len(line) <= length else line[: length - 1] + "…"
