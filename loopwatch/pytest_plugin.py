"""pytest's plugin: its options, its marker and its fixture. Everything else is imported when a test is to be watched.

pytest imports this module in every project whose environment has loopwatch, so it imports nothing of it.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from loopwatch.testing.pytest_session import WatchedSession
    from loopwatch.testing.watched_test import WatchedTest

NAME = "loopwatch"
"""Of the marker and the fixture."""
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
        help="how long a step of the loop may last (ini: loopwatch_threshold_ms; default: 50)",
    )
    group.addoption(
        "--loopwatch-strict",
        action="store_true",
        help="fail tests that make calls known to block on the event loop, whatever they take "
        "(ini: loopwatch_strict = true)",
    )
    group.addoption("--loopwatch-json", metavar="FILE", help="write all that was found to FILE")
    group.addoption(
        "--loopwatch-baseline",
        metavar="FILE",
        help="fail only on calls that FILE does not know (ini: loopwatch_baseline)",
    )
    group.addoption(
        "--loopwatch-update-baseline", action="store_true", help="write the baseline anew: what is found now is known"
    )
    parser.addini("loopwatch", "Watch every test, as --loopwatch does.", type="bool", default=False)
    parser.addini("loopwatch_threshold_ms", "How many milliseconds a step of the loop may last.", default="50")
    parser.addini("loopwatch_engine", "sampling or tracing.", default="sampling")
    parser.addini("loopwatch_phases", "Which of setup, call and teardown are watched.", type="args", default=["call"])
    parser.addini("loopwatch_allow", "CALL [in FUNCTION] [during TEST], one a line.", type="linelist", default=[])
    parser.addini("loopwatch_strict", "Look for calls known to block.", type="bool", default=False)
    parser.addini("loopwatch_strict_allow", "The same for calls known to block.", type="linelist", default=[])
    parser.addini("loopwatch_baseline", "The file of the calls that are known.", default="")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{NAME}(threshold_ms, engine, strict, allow, enabled): fail this test if its code blocks the event loop; "
        "without --loopwatch too",
    )
    options = ("loopwatch", "loopwatch_strict", "loopwatch_json", "loopwatch_update_baseline")
    if any(map(config.getoption, options)) or any(map(config.getini, options[:2])):
        _session(config)
    else:
        config.pluginmanager.register(Latecomer(config), "loopwatch-latecomer")


class Latecomer:
    """Starts the session for the sake of single tests, or of what a worker of xdist found in them."""

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
    """This test, watched: ``take()`` gives the calls that have blocked so far, for the test itself to judge."""
    return _session(request.config).fixture(request.node)


def _session(config: pytest.Config) -> "WatchedSession":
    from loopwatch.testing.pytest_session import WatchedSession  # noqa: PLC0415 - for those who asked for it

    session = config.pluginmanager.get_plugin(SESSION)
    if isinstance(session, WatchedSession):
        return session
    session = WatchedSession.of(config)
    config.pluginmanager.register(session, SESSION)
    return session
