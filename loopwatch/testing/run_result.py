"""Collects the findings of a whole run and writes the summary, the JSON file and the baseline."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.escaping.json_document import readable_json
from loopwatch.testing import baseline, pytest_options
from loopwatch.testing.finding import Channel, Verdict
from loopwatch.testing.judge import Judge
from loopwatch.testing.report_payload import ReportPayload
from loopwatch.testing.summary import summary_lines
from loopwatch.testing.totals import RunTotals


class RunResult:
    """Adds up the reports of all tests.

    ``channels`` are those that every test was watched for. ``is_selection`` means that tests were left out, so a
    rule or a known call may be unused by chance. ``is_whole`` means that no folder of tests was left out.
    """

    def __init__(self, judge: Judge, channels: frozenset[Channel], *, is_selection: bool, is_whole: bool) -> None:
        self.is_worker = False
        """Whether this is an xdist worker. The controller receives its reports and prints the summary."""
        self.json_path: Path | None = None
        self.baseline_path: Path | None = None
        self._judge = judge
        self._channels = channels
        self._is_partial = is_selection
        self._is_whole = is_whole
        self._totals = RunTotals()
        self._notes: list[str] = []

    @classmethod
    def of(cls, config: pytest.Config, judge: Judge) -> "RunResult":
        result = cls(
            judge,
            pytest_options.channels(config),
            is_selection=pytest_options.is_selection(config),
            is_whole=pytest_options.is_whole(config),
        )
        result.is_worker = hasattr(config, "workerinput")
        result.json_path = pytest_options.json_path(config)
        result.baseline_path = pytest_options.baseline_path(config)
        return result

    def add(self, report: pytest.TestReport) -> None:
        payload = ReportPayload.read(report)
        if report.failed and not (payload and payload.is_failure):
            self._is_partial = True  # the rest of the test did not run
        if payload is None:
            return
        self._totals.add_rules(payload.rules)
        self._totals.disturbances += payload.disturbances
        self._totals.dropped += payload.dropped
        for finding in payload.findings:
            self._totals.add(finding)

    def add_collected(self, report: pytest.CollectReport) -> None:
        self._is_partial = self._is_partial or report.failed

    def add_deselected(self) -> None:
        """Note that tests were left out, by an option or by another plugin."""
        self._is_partial = True

    def finish(self, session: pytest.Session, exit_status: int) -> None:
        is_over = exit_status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        self._is_partial = self._is_partial or not is_over or bool(session.shouldstop or session.shouldfail)
        if self.is_worker or session.config.option.collectonly:
            return
        try:
            self._write_files()
        except OSError as error:
            self._notes.append(f"{error.filename} could not be written: {error.strerror}")

    def show(self, reporter: "pytest.TerminalReporter") -> None:
        lines = [*summary_lines(self._totals, list(self._unused_rules())), *self._notes, *self._missing_calls()]
        if lines and not self.is_worker:
            reporter.section("loopwatch")
            for line in lines:
                reporter.line(line)

    def _write_files(self) -> None:
        if self.json_path is not None:
            content = readable_json(self._totals.as_dict())
            self.json_path.write_text(content + "\n", encoding="utf-8", errors="backslashreplace")
        if self.baseline_path is not None and self._judge.updates_baseline:
            known = [finding.longest for channel in Channel for finding in self._totals.of(channel, Verdict.KNOWN)]
            count = baseline.write(self.baseline_path, known, self._kept(self.baseline_path))
            calls = "1 blocking call" if count == 1 else f"{count} blocking calls"
            self._notes.append(f"Baseline written: {calls} in {self.baseline_path}")

    def _kept(self, path: Path) -> baseline.Baseline:
        """Return the known calls this run cannot judge: it ran some of the tests, or watched other channels."""
        try:
            before = baseline.read(path)
        except baseline.BaselineError:
            return baseline.NOTHING_KNOWN
        return before.without(self._channels) if self._is_whole and not self._is_partial else before

    def _unused_rules(self) -> Iterator[str]:
        if self._is_partial:
            return
        rules = {Channel.STALL: self._judge.rules, Channel.STRICT: self._judge.strict_rules}
        project_rules = {rule.text: 0 for channel in self._channels for rule in rules[channel]}
        for text, hits in (project_rules | self._totals.rules).items():
            if not hits:
                yield text

    def _missing_calls(self) -> Iterator[str]:
        known = [call for call in self._judge.baseline.calls if call.channel in self._channels]
        missing = sum(call.fingerprint not in self._totals.fingerprints for call in known)
        if missing and not self._is_partial:
            yield f"{missing} of {len(known)} calls in the baseline did not occur; {baseline.UPDATE} removes them"
