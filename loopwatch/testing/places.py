"""File names as people want to read them."""

import os

from loopwatch.escaping.terminal import visible


def shown(filename: str) -> str:
    """Relative to the current folder for what lies in it, with forward slashes; as it is otherwise, but for what a
    terminal would take for commands."""
    try:
        relative = os.path.relpath(filename)
    except ValueError:  # another drive, or empty
        return visible(filename)
    return visible(filename if relative.startswith(os.pardir) else relative.replace(os.sep, "/"))
