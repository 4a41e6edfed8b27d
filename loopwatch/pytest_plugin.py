"""Declares the options, the marker and the fixture of the pytest plugin.

pytest imports this module in every project that has loopwatch installed, so other modules are imported only when a test
is to be watched. It has no assertions to rewrite, so pytest need not warn that the module was imported too early:
PYTEST_DONT_REWRITE.
"""

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from loopwatch import in_tests

if TYPE_CHECKING:
    from loopwatch.testing.pytest_session import WatchedSession
    from loopwatch.testing.watched_test import WatchedTest

NAME = "loopwatch"
"""The name of the marker and of the fixture."""
SESSION = "loopwatch-session"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("loopwatch", "blocking calls")
    group.addoption(
        "--loopwatch", action="store_true", help="fail tests whose code blocks the event loop (ini: loopwatch = true)"
    )
    group.addoption(
        "--loopwatch-threshold-ms",
        type=float,
        metavar="MS",
        help="the longest a step of the loop may take (ini: loopwatch_threshold_ms; default: 50)",
    )
    group.addoption(
        "--loopwatch-strict",
        action="store_true",
        help="fail tests that make calls known to block on the event loop, regardless of their duration "
        "(ini: loopwatch_strict = true)",
    )
    group.addoption("--loopwatch-json", metavar="FILE", help="write all findings to FILE")
    group.addoption(
        "--loopwatch-baseline",
        metavar="FILE",
        help="fail only on calls that are not in FILE (ini: loopwatch_baseline)",
    )
    group.addoption(
        "--loopwatch-update-baseline", action="store_true", help="write all findings of this run to the baseline"
    )
    parser.addini("loopwatch", "Watch every test, as --loopwatch does.", type="bool", default=False)
    parser.addini("loopwatch_threshold_ms", "The longest a step of the loop may take, in milliseconds.", default="50")
    parser.addini("loopwatch_engine", "sampling or tracing.", default="sampling")
    parser.addini("loopwatch_phases", "The phases to watch: setup, call, teardown.", type="args", default=["call"])
    parser.addini(
        "loopwatch_allow",
        "Rules for blocking calls, one per line: CALL [in FUNCTION] [during TEST].",
        type="linelist",
        default=[],
    )
    parser.addini("loopwatch_strict", "Fail on calls known to block, as --loopwatch-strict does.", "bool", False)
    parser.addini("loopwatch_strict_allow", "Rules for calls known to block, one per line.", "linelist", [])
    parser.addini("loopwatch_baseline", "The baseline: a file of known blocking calls.", default="")


def pytest_configure(config: pytest.Config) -> None:
    run = ExitStack()
    run.enter_context(in_tests.running())
    config.add_cleanup(run.close)
    config.addinivalue_line(
        "markers",
        f"{NAME}(threshold_ms, engine, strict, allow, enabled): fail this test if its code blocks the event loop, "
        "even without --loopwatch",
    )
    options = ("loopwatch", "loopwatch_strict", "loopwatch_json", "loopwatch_update_baseline")
    if any(map(config.getoption, options)) or any(map(config.getini, options[:2])):
        _session(config)
    else:
        config.pluginmanager.register(DeferredSession(config), "loopwatch-deferred")


class DeferredSession:
    """Starts the watched session as soon as a collected test, or the report of an xdist worker, needs it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if any(item.get_closest_marker(NAME) or NAME in getattr(item, "fixturenames", ()) for item in session.items):
            _session(self._config).pytest_collection_finish(session)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if hasattr(report, "loopwatch") and not self._config.pluginmanager.has_plugin(SESSION):
            _session(self._config).pytest_runtest_logreport(report)


@pytest.fixture(name=NAME)
def loopwatch_fixture(request: pytest.FixtureRequest) -> "WatchedTest":
    """Watch this test. ``take()`` returns the calls that have blocked so far, for the test itself to check."""
    return _session(request.config).fixture(request.node)


def _session(config: pytest.Config) -> "WatchedSession":
    from loopwatch.testing.pytest_session import WatchedSession  # noqa: PLC0415 - for those who asked for it

    session = config.pluginmanager.get_plugin(SESSION)
    if isinstance(session, WatchedSession):
        return session
    session = WatchedSession.of(config)
    config.pluginmanager.register(session, SESSION)
    return session
