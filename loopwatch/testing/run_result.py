"""What a whole run has found: the summary, the JSON file and the baseline. Only where the reports come together."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.testing import baseline, pytest_options
from loopwatch.testing.finding import Channel, Verdict
from loopwatch.testing.judge import Judge
from loopwatch.testing.report_payload import ReportPayload
from loopwatch.testing.summary import summary_lines
from loopwatch.testing.totals import RunTotals


class RunResult:
    """``channels`` are those that every test was watched for. ``is_selection``: single tests were chosen, so what did
    not happen says nothing. ``is_whole``: all the tests there are were asked for, as far as is known.
    """

    def __init__(self, judge: Judge, channels: frozenset[Channel], *, is_selection: bool, is_whole: bool) -> None:
        self.is_worker = False
        """Somebody else, who gets the reports too, says it."""
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
            self._is_partial = True  # who knows what it would have done next
        if payload is None:
            return
        self._totals.add_rules(payload.rules)
        self._totals.disturbances += payload.disturbances
        self._totals.dropped += payload.dropped
        for found in payload.found:
            self._totals.add(found)

    def add_collected(self, report: pytest.CollectReport) -> None:
        self._is_partial = self._is_partial or report.failed

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
            content = json.dumps(self._totals.as_dict(), indent=2, ensure_ascii=False)
            self.json_path.write_text(content + "\n", encoding="utf-8", errors="backslashreplace")
        if self.baseline_path is not None and self._judge.updates_baseline:
            found = [finding.longest for channel in Channel for finding in self._totals.of(channel, Verdict.KNOWN)]
            count = baseline.write(self.baseline_path, found, self._kept(self.baseline_path))
            self._notes.append(f"{count} blocking calls are known now: {self.baseline_path}")

    def _kept(self, path: Path) -> baseline.Baseline:
        """What this run cannot judge stays in the file: it saw a part of the tests, or looked for something else."""
        try:
            before = baseline.read(path)
        except baseline.BaselineError:
            return baseline.NOTHING_KNOWN
        return before.without(self._channels) if self._is_whole and not self._is_partial else before

    def _unused_rules(self) -> Iterator[str]:
        if self._is_partial:
            return
        rules = {Channel.STALL: self._judge.rules, Channel.STRICT: self._judge.strict_rules}
        of_project = {rule.text: 0 for channel in self._channels for rule in rules[channel]}
        for text, hits in (of_project | self._totals.rules).items():
            if not hits:
                yield text

    def _missing_calls(self) -> Iterator[str]:
        known = [call for call in self._judge.baseline.calls if call.channel in self._channels]
        gone = sum(call.fingerprint not in self._totals.fingerprints for call in known)
        if gone and not self._is_partial:
            yield f"{gone} of {len(known)} calls in the baseline did not happen: {baseline.UPDATE}"
