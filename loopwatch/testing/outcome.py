"""What a whole run has found: the summary, the JSON file and the baseline. Only where the reports come together."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.testing import baseline, pytest_options
from loopwatch.testing.found import Channel, Verdict
from loopwatch.testing.judge import Judge
from loopwatch.testing.note import Note
from loopwatch.testing.summary import summary_lines
from loopwatch.testing.tally import Tally


class Outcome:
    """``is_worker``: somebody else, who gets the reports too, says it. ``is_selection``: single tests were chosen, so
    what did not happen says nothing. ``is_whole``: all the tests there are were asked for, as far as is known.
    """

    def __init__(self, judge: Judge, *, is_worker: bool, is_selection: bool, is_whole: bool) -> None:
        self.json_path: Path | None = None
        self.baseline_path: Path | None = None
        self._judge = judge
        self._is_worker = is_worker
        self._is_partial = is_selection
        self._is_whole = is_whole
        self._tally = Tally()
        self._notes: list[str] = []

    @classmethod
    def of(cls, config: pytest.Config, judge: Judge) -> "Outcome":
        outcome = cls(
            judge,
            is_worker=hasattr(config, "workerinput"),
            is_selection=pytest_options.is_selection(config),
            is_whole=pytest_options.is_whole(config),
        )
        outcome.json_path = pytest_options.json_path(config)
        outcome.baseline_path = pytest_options.baseline_path(config)
        return outcome

    def add(self, report: pytest.TestReport) -> None:
        note = Note.read(report)
        if report.failed and not (note and note.is_failure):
            self._is_partial = True  # who knows what it would have done next
        if note is None:
            return
        self._tally.in_force(note.rules)
        self._tally.disturbances += note.disturbances
        self._tally.dropped += note.dropped
        for found in note.found:
            self._tally.add(found)

    def add_collected(self, report: pytest.CollectReport) -> None:
        self._is_partial = self._is_partial or report.failed

    def finish(self, session: pytest.Session, exit_status: int) -> None:
        is_over = exit_status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        self._is_partial = self._is_partial or not is_over or bool(session.shouldstop or session.shouldfail)
        if self._is_worker or session.config.option.collectonly:
            return
        try:
            self._write_files()
        except OSError as error:
            self._notes.append(f"{error.filename} could not be written: {error.strerror}")

    def show(self, reporter: "pytest.TerminalReporter") -> None:
        lines = [*summary_lines(self._tally, list(self._unused_rules())), *self._notes, *self._gone()]
        if lines and not self._is_worker:
            reporter.section("loopwatch")
            for line in lines:
                reporter.line(line)

    def _write_files(self) -> None:
        if self.json_path is not None:
            content = json.dumps(self._tally.as_dict(), indent=2, ensure_ascii=False)
            self.json_path.write_text(content + "\n", encoding="utf-8", errors="backslashreplace")
        if self.baseline_path is not None and self._judge.is_lenient:
            kept = baseline.NOTHING_KNOWN if self._is_whole and not self._is_partial else self._baseline_before()
            found = [finding.longest for channel in Channel for finding in self._tally.of(channel, Verdict.KNOWN)]
            count = baseline.write(self.baseline_path, found, kept)
            self._notes.append(f"{count} blocking calls are known now: {self.baseline_path}")

    def _baseline_before(self) -> baseline.Baseline:
        """What a part of the tests cannot judge stays in the file."""
        path = self.baseline_path
        try:
            return baseline.NOTHING_KNOWN if path is None else baseline.read(path)
        except baseline.BaselineError:
            return baseline.NOTHING_KNOWN

    def _unused_rules(self) -> Iterator[str]:
        if not self._is_partial:
            of_project = dict.fromkeys((rule.text for rule in (*self._judge.rules, *self._judge.strict_rules)), 0)
            for text, hits in (of_project | self._tally.rules).items():
                if not hits:
                    yield text

    def _gone(self) -> Iterator[str]:
        gone = len(self._judge.baseline.calls) - self._tally.known_in(self._judge.baseline)
        if gone and not self._is_partial:
            yield f"{gone} of {len(self._judge.baseline.calls)} calls in the baseline did not happen: {baseline.UPDATE}"
