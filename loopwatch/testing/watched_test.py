"""One test being watched: a ``watch()`` block around each of its phases."""

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.strict.calls import StrictCall
from loopwatch.detection.strict.watcher import StrictWatcher
from loopwatch.detection.watcher import Watcher, watch
from loopwatch.testing.finding import FindingInTest, Verdict, stalls_in, strict_in
from loopwatch.testing.judge import Judge
from loopwatch.testing.options import DEFAULTS, Options


class WatchedTest:
    """What the fixture ``loopwatch`` gives; ``take()`` and ``take_strict()`` are for the test itself.

    ``disturbances`` counts the stalls that were the machine's doing, ``dropped`` what there was no room for.
    """

    def __init__(self, nodeid: str, judge: Judge, options: Options = DEFAULTS, *, every_thread: bool = True) -> None:
        self.options = options
        self._every_thread = every_thread
        self._nodeid = nodeid
        self._judge = judge
        self._found: list[FindingInTest] = []
        self.disturbances = 0
        self.dropped = 0
        self._phase = ""
        self._watcher: Watcher | None = None
        self._strict: StrictWatcher | None = None

    def begin(self, phase: str, *, stalls: bool, strict: bool) -> None:
        """Watch every loop that runs from now on, in whatever thread. Raises ``TracingUnavailableError``."""
        self._phase = phase
        self._watcher = self._new_watcher() if stalls else None
        # Outside of the other, so that it is taken away before it.
        self._strict = StrictWatcher(every_thread=self._every_thread).__enter__() if strict else None

    def end(self) -> None:
        strict, self._strict = self._strict, None
        if strict is not None:
            strict.__exit__(None, None, None)
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            self._leave(watcher)
            self._keep(stalls_in(self._nodeid, self._phase, watcher.calls))
        if strict is not None:
            self.dropped += strict.calls_dropped
            self._keep(strict_in(self._nodeid, self._phase, strict.calls))

    def take(self) -> list[BlockingCall]:
        """The stalls of this phase so far, or since the last time: the test itself judges them."""
        before = self._watcher
        if before is None:
            return []
        # The new one is there before the old one leaves, so the loop's clock, and with it the running step, stays.
        self._watcher = self._new_watcher()
        self._leave(before)
        return before.calls

    def take_strict(self) -> list[StrictCall]:
        """The same for strict calls."""
        return [] if self._strict is None else self._strict.take()

    def take_findings(self) -> list[FindingInTest]:
        """What has been found and judged in the phases that are over, once."""
        found, self._found = self._found, []
        return found

    def _new_watcher(self) -> Watcher:
        options = self.options
        return watch(
            threshold_ms=options.threshold_ms, engine=options.engine, every_thread=self._every_thread
        ).__enter__()

    def _leave(self, watcher: Watcher) -> None:
        watcher.__exit__(None, None, None)
        self.disturbances += len(watcher.disturbances)
        self.dropped += watcher.calls_dropped

    def _keep(self, found: list[FindingInTest]) -> None:
        self._found += [self._judge.judge(each, self.options.allow) for each in found]


def new_findings(found: list[FindingInTest]) -> list[FindingInTest]:
    return [each for each in found if each.verdict is Verdict.NEW]
