"""Shortens file names: the result is the same on every machine and reveals no home directory."""

import os
import re
from functools import lru_cache

from loopwatch.detection.cpython.search_path import search_path
from loopwatch.sources.roots import base_directory

_PACKAGES = re.compile(r".*/(?:site|dist)-packages/")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_HOME = re.compile(r"(?:[A-Za-z]:)?/(?:home|users)/[^/]+/|/root/", re.IGNORECASE)


def shorten(filename: str) -> str:
    """Make the path relative to the packages directory, ``BASE_DIR`` or the longest entry of ``sys.path`` above it.

    A file outside of these keeps its last three components. Names that are not paths (``<string>``) stay unchanged. The
    result has forward slashes.
    """
    return _shorten(filename, base_directory(), search_path())


@lru_cache(maxsize=4096)
def _shorten(filename: str, base_directory: str, search_path: tuple[str, ...]) -> str:
    path = _slashed(filename)
    if not path.startswith("/") and not _WINDOWS.match(filename):
        return path
    packages = _PACKAGES.match(path)
    if packages:
        return path[packages.end() :]
    for root in _roots(base_directory, search_path):
        if _folded(path).startswith(_folded(root)):
            return path[len(root) :]
    return "/".join(_HOME.sub("", path, count=1).strip("/").split("/")[-3:])


def _slashed(path: str) -> str:
    return path.replace("\\", "/") if _WINDOWS.match(path) or os.sep == "\\" else path


def _folded(path: str) -> str:
    """Normalize case, which Windows ignores in paths."""
    return path.lower() if _WINDOWS.match(path) else path


@lru_cache(maxsize=16)
def _roots(base_directory: str, search_path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the directories to make paths relative to, best first, each with a slash at its end."""
    bases = [base_directory, os.path.realpath(base_directory)] if base_directory else []
    entries = sorted((entry for entry in search_path if entry), key=len, reverse=True)
    roots = (_slashed(root).rstrip("/") + "/" for root in (*bases, *entries))
    return tuple(root for root in roots if not _holds_homes(root))


def _holds_homes(root: str) -> bool:
    """Return whether paths relative to this directory would begin with a home directory."""
    home = os.path.expanduser("~")  # noqa: PTH111 - that of Path raises where there is no home
    home = _slashed(home).rstrip("/") + "/"
    above_home = home != root and home.startswith(root)
    return above_home or root == "/" or bool(re.fullmatch(r"(?:[A-Za-z]:)?/(?:home/|users/)?", root, re.IGNORECASE))
