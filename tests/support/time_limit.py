"""Ends a run whose test cannot be ended: pytest-timeout's limit, behind which stands a second one.

pytest-timeout's method ``signal`` has no thread that could disturb the tests, fails the one test, and lets its fixtures
clean up. It needs the main thread to run Python code, and an event loop may swallow its exception. Where either keeps a
test going, faulthandler's native thread prints all stacks and ends the process.
"""

import faulthandler
import os
import sys

import pytest

CLEANS_UP_WITHIN_S = 60
SETTINGS = pytest.StashKey()
STDERR = pytest.StashKey()


def pytest_configure(config):
    config.stash[STDERR] = os.dup(sys.__stderr__.fileno())  # while pytest does not capture it


def pytest_unconfigure(config):
    faulthandler.cancel_dump_traceback_later()
    os.close(config.stash[STDERR])


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_timeout_set_timer(item, settings):
    item.stash[SETTINGS] = settings
    last_s = settings.timeout + CLEANS_UP_WITHIN_S
    faulthandler.dump_traceback_later(last_s, exit=True, file=item.config.stash[STDERR])


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_timeout_cancel_timer(item):
    faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item):
    """Begin the limits again: both plugins lift theirs for a test that has failed, but its teardown may hang too."""
    if settings := item.stash.get(SETTINGS, None):
        item.ihook.pytest_timeout_set_timer(item=item, settings=settings)
