"""Watches the tests of a pytest run.

The findings of a test travel in its reports, so a run with xdist workers needs no special case: the process that
receives the reports adds them up and prints the summary.
"""

from collections.abc import Generator
from typing import Any

import pytest

from loopwatch.detection.tracing.tracer import TracingUnavailableError
from loopwatch.escaping.terminal import visible
from loopwatch.testing import pytest_options
from loopwatch.testing.failure_text import headline
from loopwatch.testing.finding import Channel, FindingInTest, short_path
from loopwatch.testing.judge import Judge
from loopwatch.testing.options import MarkerError, Options
from loopwatch.testing.pytest_failure import pytest_failure
from loopwatch.testing.report_payload import ReportPayload
from loopwatch.testing.run_result import RunResult
from loopwatch.testing.watched_test import WatchedTest, new_findings

_WATCHED = pytest.StashKey[WatchedTest]()


class WatchedSession:
    """Implements pytest's hooks. ``watches_all`` includes tests without the marker or the fixture."""

    def __init__(self, options: Options, judge: Judge, phases: frozenset[str], result: RunResult) -> None:
        self.watches_all = False
        self._options = options
        self._judge = judge
        self._phases = phases
        self._result = result

    @classmethod
    def of(cls, config: pytest.Config) -> "WatchedSession":
        """Raises ``pytest.UsageError``."""
        judge = pytest_options.judge(config)
        session = cls(
            pytest_options.project_options(config), judge, pytest_options.phases(config), RunResult.of(config, judge)
        )
        session.watches_all = Channel.STALL in pytest_options.channels(config)
        return session

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Stop the run before it starts if a marker is invalid. In an xdist worker, that test fails instead."""
        try:
            for item in session.items:
                pytest_options.options_of(item, self._options)
        except MarkerError as error:
            if not hasattr(session.config, "workerinput"):
                raise pytest.UsageError(str(error)) from None

    def pytest_deselected(self) -> None:
        self._result.add_deselected()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        item.stash[_WATCHED] = watched = WatchedTest(item.nodeid, self._judge)
        watched.options, _ = self._options_of(item)
        result = yield from self._phase(item, "setup")
        # Read the options again, as a fixture may have added a marker, and fail only after other plugins' setup.
        watched.options, mistake = self._options_of(item)
        if mistake:
            pytest.fail(f"loopwatch: {mistake}", pytrace=False)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        return (yield from self._phase(item, "call"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        return (yield from self._phase(item, "teardown"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        watched = item.stash.get(_WATCHED, None)
        # The test must run even if its setup blocked, so findings of a passed setup are reported with the test.
        if watched is not None and not (call.when == "setup" and report.passed):
            _add_to_report(report, watched)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._result.add(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._result.add_collected(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self._result.finish(session, exitstatus)

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        self._result.show(terminalreporter)

    def fixture(self, item: pytest.Item) -> WatchedTest:
        if _WATCHED not in item.stash:
            pytest.fail("loopwatch: request the fixture as an argument of the test", pytrace=False)
        return item.stash[_WATCHED]

    def _phase(self, item: pytest.Item, name: str) -> Generator[None, Any, Any]:
        watched = item.stash.get(_WATCHED, None)
        if watched is None:  # the test began before the session was watched
            return (yield)
        is_wanted = watched.options.enabled and name in self._phases
        unavailable = ""
        try:
            watched.begin(
                name,
                stalls=is_wanted and (self.watches_all or _asks_to_be_watched(item)),
                strict=is_wanted and watched.options.strict,
            )
        except TracingUnavailableError as error:
            unavailable = str(error)
        try:
            result = yield
        finally:
            watched.end()
        if unavailable:
            pytest.fail(f"loopwatch: {unavailable}", pytrace=False)
        return result

    def _options_of(self, item: pytest.Item) -> tuple[Options, str]:
        """Return the options of a test and the mistake in its markers, if any."""
        try:
            return pytest_options.options_of(item, self._options), ""
        except MarkerError as error:
            return self._options, str(error)


def _asks_to_be_watched(item: pytest.Item) -> bool:
    return item.get_closest_marker(pytest_options.NAME) is not None or pytest_options.NAME in getattr(
        item, "fixturenames", ()
    )


def _add_to_report(report: pytest.TestReport, watched: WatchedTest) -> None:
    """Attach the findings of a test to its report, and fail the test for new ones."""
    findings = watched.take_findings()
    new = new_findings(findings)
    is_failure = bool(new) and report.passed and not hasattr(report, "wasxfail")
    rules = [rule.text for rule in watched.options.allow] if report.when == "call" else []
    payload = ReportPayload(findings, rules, watched.disturbances, watched.dropped, is_failure=is_failure)
    watched.disturbances = watched.dropped = 0
    if not payload.is_empty:
        payload.write(report)
    if is_failure:
        report.outcome = "failed"
        report.longrepr = pytest_failure(new, watched.options.threshold_ms)
    elif new:
        report.sections.append(("loopwatch", "\n".join(map(_one_line, new))))


def _one_line(finding: FindingInTest) -> str:
    return visible(f"{headline(finding)}, in {finding.function} ({short_path(finding.filename)}:{finding.lineno})")
