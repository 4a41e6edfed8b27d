"""File names as people want to read them."""

import os


def shown(filename: str) -> str:
    """Relative to the current folder for what lies in it, with forward slashes; as it is otherwise."""
    try:
        relative = os.path.relpath(filename)
    except ValueError:  # another drive, or empty
        return filename
    return filename if relative.startswith(os.pardir) else relative.replace(os.sep, "/")
