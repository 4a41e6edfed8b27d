"""One test being watched: a ``watch()`` block around each of its phases."""

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.watcher import Watcher, watch
from loopwatch.testing.found import Found, Verdict, found_in
from loopwatch.testing.judge import Judge
from loopwatch.testing.options import Options


class WatchedTest:
    """What the fixture ``loopwatch`` gives; ``take()`` is for the test itself."""

    def __init__(self, nodeid: str, judge: Judge) -> None:
        self.options = Options()
        self._nodeid = nodeid
        self._judge = judge
        self._found: list[Found] = []
        self._phase = ""
        self._watcher: Watcher | None = None

    def begin(self, phase: str) -> None:
        """Watch every loop that runs from now on, in whatever thread. Raises ``TracingUnavailableError``."""
        self._watcher = self._new_watcher()
        self._phase = phase

    def end(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.__exit__(None, None, None)
            self._keep(watcher.calls)

    def take(self) -> list[BlockingCall]:
        """What the running phase has found since it began or since the last call: the test itself judges it."""
        before = self._watcher
        if before is None:
            return []
        # The new one is there before the old one leaves, so the loop's clock, and with it the running step, stays.
        self._watcher = self._new_watcher()
        before.__exit__(None, None, None)
        return before.calls

    def hand_over(self) -> list[Found]:
        """What has been found and judged in the phases that are over, once."""
        found, self._found = self._found, []
        return found

    def _new_watcher(self) -> Watcher:
        options = self.options
        return watch(threshold_ms=options.threshold_ms, engine=options.engine, every_thread=True).__enter__()

    def _keep(self, calls: list[BlockingCall]) -> None:
        for found in found_in(self._nodeid, self._phase, calls):
            self._found.append(self._judge.judge(found, self.options.allow))


def new(found: list[Found]) -> list[Found]:
    return [each for each in found if each.verdict is Verdict.NEW]
