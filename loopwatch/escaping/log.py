"""Makes text safe for logs: one line, so that no name forges another, and nothing that a terminal obeys."""

from loopwatch.escaping.terminal import visible


def log_text(text: str, length: int) -> str:
    """The beginning of the text, at most ``length`` characters; runs of white space become one blank."""
    line = visible(" ".join(text[: 2 * length].split()))
    return line if len(line) <= length else line[: length - 1] + "…"
