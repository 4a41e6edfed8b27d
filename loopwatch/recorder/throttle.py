"""Slows the writer down, because it shares the GIL with the loop's thread."""

import time

LONGEST_REST_S = 0.01


class Throttle:
    """Rests after every piece of work for as long as that took, unless a flush waits for the writer.

    A thread that sleeps releases the GIL at once. Another thread would have to wait for the switch interval, 5 ms by
    default (``sys.setswitchinterval``), before a busy thread releases it.
    """

    def __init__(self, *, is_hurried: bool) -> None:
        self._is_hurried = is_hurried
        self._since = time.perf_counter()

    def rest(self) -> None:
        """Sleep. Must be called often, and never in a transaction."""
        if not self._is_hurried:
            time.sleep(min(time.perf_counter() - self._since, LONGEST_REST_S))
            self._since = time.perf_counter()
