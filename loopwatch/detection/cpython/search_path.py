"""The directories that Python imports from."""

import sys


def search_path() -> tuple[str, ...]:
    """Return the entries of ``sys.path``, without those that Python ignores: it imports from strings only.

    Many a site puts a ``Path`` there by mistake. Source: ``PathFinder`` in Lib/importlib/_bootstrap_external.py.
    """
    entries: list[object] = [*sys.path]
    return tuple(entry for entry in entries if isinstance(entry, str))
