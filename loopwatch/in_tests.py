"""Knows whether tests run in this process: then a wrapped site is not recorded, unless a test asks for it.

A recorder would write the stalls of tests into the test database, or complain that it has no tables.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _TestRun:
    """Counts the tools of loopwatch that run tests, and the blocks of tests that ask for recording."""

    def __init__(self) -> None:
        self.tools = 0
        self.asking = 0


_run = _TestRun()


def is_recording_wanted() -> bool:
    """Return whether the site may be recorded: always outside of tests, and where a test asks for it."""
    return _run.asking > 0 or not (_run.tools or _is_djangos_test_environment())


@contextmanager
def running() -> Iterator[None]:
    """Declare that the block runs tests, with or without Django."""
    _run.tools += 1
    try:
        yield
    finally:
        _run.tools -= 1


@contextmanager
def recording() -> Iterator[None]:
    """Have the site recorded inside the block, although tests run."""
    _run.asking += 1
    try:
        yield
    finally:
        _run.asking -= 1


def _is_djangos_test_environment() -> bool:
    """Return whether ``setup_test_environment()`` was called, as Django's runner and pytest-django do.

    Django itself asks so: https://github.com/django/django/blob/5.2/django/test/utils.py
    """
    utilities = sys.modules.get("django.test.utils")
    return hasattr(getattr(utilities, "_TestState", None), "saved_data")
