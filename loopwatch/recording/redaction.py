"""The site's own function that may change or withhold a call before anything of it is counted, stored or told.

It fails closed: a call it raises for, or gives something else than a call for, goes nowhere but into a number. It has a
thread of its own; while it hangs, nothing is recorded, and the site and the watchdog go on.
"""

from collections.abc import Callable
from dataclasses import replace

from loopwatch.detection.calls import BlockingCall
from loopwatch.recording.delivery import Delivery
from loopwatch.recording.health import Errors
from loopwatch.recording.ongoing_stalls import OngoingStalls


class Redaction:
    """Passes on to ``record`` what ``redact`` makes of every call.

    ``withheld`` counts stalls that it returned ``None`` for, ``failed`` those that it did not answer properly for.
    """

    def __init__(
        self,
        redact: Callable[[BlockingCall], BlockingCall | None],
        record: Callable[[BlockingCall], None],
        errors: Errors,
    ) -> None:
        self.withheld = 0
        self.failed = 0
        self.delivery = Delivery("redact", self._pass_on, errors)
        self._passed_on = OngoingStalls[BlockingCall]()
        self._redact = redact
        self._record = record

    @property
    def dropped(self) -> int:
        """Stalls that are lost: nobody may see what was not redacted."""
        return self.failed + self.delivery.dropped

    def _pass_on(self, call: BlockingCall) -> None:
        earlier = self._passed_on.pop(call)
        try:
            redacted = _checked(self._redact(call))
            if redacted is not None:
                self._record(redacted)
                self._passed_on.keep(call, redacted)
                return
        except BaseException:
            self.failed += self._is_lost(call, earlier)
            raise
        self.withheld += self._is_lost(call, earlier)

    def _is_lost(self, refused: BlockingCall, earlier: BlockingCall | None) -> bool:
        """Return whether a stall is lost with the report refused. If not, it ends as in its ``earlier`` report."""
        if earlier is None:
            return not refused.ongoing  # an ongoing stall is reported again, at least when it ends
        self._passed_on.keep(refused, earlier)
        if not refused.ongoing:
            self._record(replace(earlier, ongoing=False))
        return False


def _checked(answer: object) -> BlockingCall | None:
    if answer is None or isinstance(answer, BlockingCall):
        return answer
    raise TypeError(f"REDACT returned a {type(answer).__name__}, which is neither a BlockingCall nor None")
