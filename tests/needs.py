"""Programs that some tests want: where one is missing they are skipped, but in CI that must not pass for success."""

import os

import pytest


def not_there(name, package):
    """Skip the test that asks, or fail it where ``LOOPWATCH_TESTS_NEED_<name>`` is set."""
    reason = f"{name.title()} is not installed (on Debian and Ubuntu: apt install {package})"
    if os.environ.get(f"LOOPWATCH_TESTS_NEED_{name.upper()}"):
        pytest.fail(reason)
    pytest.skip(reason)
