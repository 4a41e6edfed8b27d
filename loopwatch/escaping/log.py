"""Makes text safe for logs: one line, so that no name can forge another, without terminal control characters."""

from loopwatch.escaping.terminal import visible


def log_text(text: str, length: int) -> str:
    """Return the text as one line of at most ``length`` characters, with runs of white space as one space."""
    line = visible(" ".join(text[: 2 * length].split()))
    return line if len(line) <= length else line[: length - 1] + "…"
