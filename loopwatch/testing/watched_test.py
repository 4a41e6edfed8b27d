"""Watches one test, with a ``watch()`` block around each of its phases."""

import sys

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.strict.calls import StrictCall
from loopwatch.detection.strict.watcher import StrictWatcher
from loopwatch.detection.watcher import Watcher, watch
from loopwatch.testing.finding import FindingInTest, Verdict, stalls_in, strict_in
from loopwatch.testing.judge import Judge
from loopwatch.testing.options import DEFAULTS, Options


class WatchedTest:
    """Is the value of the ``loopwatch`` fixture, whose public methods are ``take()`` and ``take_strict()``.

    ``disturbances`` counts stalls caused by the machine, ``dropped`` calls lost because a buffer was full.
    """

    def __init__(self, nodeid: str, judge: Judge, options: Options = DEFAULTS, *, every_thread: bool = True) -> None:
        self.options = options
        self._every_thread = every_thread
        self._nodeid = nodeid
        self._judge = judge
        self._findings: list[FindingInTest] = []
        self.disturbances = 0
        self.dropped = 0
        self._phase = ""
        self._watcher: Watcher | None = None
        self._strict: StrictWatcher | None = None

    def begin(self, phase: str, *, stalls: bool, strict: bool) -> None:
        """Start watching every loop, or the loops of this thread. Raises ``TracingUnavailableError``."""
        self._phase = phase
        self._watcher = self._new_watcher() if stalls else None
        # Both replace ``Handle._run``: the one entered last is left first, so that each restores what it found.
        self._strict = StrictWatcher(every_thread=self._every_thread).__enter__() if strict else None

    def end(self) -> None:
        strict, self._strict = self._strict, None
        if strict is not None:
            strict.__exit__(None, None, None)
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            self._leave(watcher)
            self._keep(stalls_in(self._nodeid, self._phase, _calls_of(watcher)))
        if strict is not None:
            self.dropped += strict.calls_dropped
            self._keep(strict_in(self._nodeid, self._phase, strict.calls))

    def take(self) -> list[BlockingCall]:
        """Return the stalls of this phase since the last call of ``take()``; they no longer fail the test."""
        previous = self._watcher
        if previous is None:
            return []
        # Enter the new watcher before leaving the old one, so that the loop's clock keeps the running step.
        self._watcher = self._new_watcher()
        self._leave(previous)
        return _calls_of(previous)

    def take_strict(self) -> list[StrictCall]:
        """Do the same for strict calls."""
        return [] if self._strict is None else self._strict.take()

    def take_findings(self) -> list[FindingInTest]:
        """Return the judged findings of the finished phases, and forget them."""
        findings, self._findings = self._findings, []
        return findings

    def _new_watcher(self) -> Watcher:
        options = self.options
        return watch(
            threshold_ms=options.threshold_ms, engine=options.engine, every_thread=self._every_thread
        ).__enter__()

    def _leave(self, watcher: Watcher) -> None:
        watcher.__exit__(None, None, None)
        self.disturbances += len(watcher.disturbances)
        self.dropped += watcher.calls_dropped

    def _keep(self, findings: list[FindingInTest]) -> None:
        self._findings += [self._judge.judge(finding, self.options.allow) for finding in findings]


def new_findings(findings: list[FindingInTest]) -> list[FindingInTest]:
    return [finding for finding in findings if finding.verdict is Verdict.NEW]


def _calls_of(watcher: Watcher) -> list[BlockingCall]:
    return [call for call in watcher.calls if not _is_loopwatchs_own(call)]


def _is_loopwatchs_own(call: BlockingCall) -> bool:
    """Return whether loopwatch itself took the time, as where ``record_stalls()`` ends and waits for the writer."""
    callers = (frame.module.partition(".")[0] for frame in reversed(call.stack))
    nearest = next((package for package in callers if package not in sys.stdlib_module_names), "")
    return nearest == "loopwatch" or call.method_name.startswith("import loopwatch.")
