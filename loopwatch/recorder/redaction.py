"""Passes every call through the site's ``REDACT`` function before any of it is counted, stored or reported.

Fails closed: if the function raises or returns the wrong type, the stall is only counted as dropped. The function runs
on its own thread. While it hangs, nothing is recorded, but the site and the watchdog go on.
"""

from collections.abc import Callable
from dataclasses import replace

from loopwatch.detection.calls import BlockingCall
from loopwatch.recorder.delivery import Delivery
from loopwatch.recorder.health import Errors
from loopwatch.recorder.ongoing_stalls import OngoingStalls


class Redaction:
    """Passes the calls that ``redact`` returns on to ``record``.

    ``withheld`` counts stalls for which ``redact`` returned ``None``, ``failed`` those for which it raised or returned
    the wrong type.
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
        """How many stalls are lost, because calls that were not redacted must not be seen."""
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
        """Return whether the stall is lost with the refused report. If not, it ends as its ``earlier`` report said."""
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
