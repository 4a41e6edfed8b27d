"""The site's own function that may change or withhold a call before anything of it is counted, stored or told.

It fails closed: a call it raises for, or gives something else than a call for, goes nowhere but into a number. It has a
thread of its own; while it hangs, nothing is recorded, and the site and the watchdog go on.
"""

from collections.abc import Callable

from loopwatch.detection.calls import BlockingCall
from loopwatch.recording.delivery import Delivery
from loopwatch.recording.health import Errors


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
        self._redact = redact
        self._record = record

    @property
    def dropped(self) -> int:
        """Stalls that are lost: nobody may see what was not redacted."""
        return self.failed + self.delivery.dropped

    def _pass_on(self, call: BlockingCall) -> None:
        try:
            redacted = _checked(self._redact(call))
            if redacted is not None:
                self._record(redacted)
                return
        except BaseException:
            self.failed += not call.ongoing  # one still going on comes again, at its end at last
            raise
        self.withheld += not call.ongoing


def _checked(answer: object) -> BlockingCall | None:
    if answer is None or isinstance(answer, BlockingCall):
        return answer
    raise TypeError(f"REDACT returned a {type(answer).__name__}, which is neither a BlockingCall nor None")
