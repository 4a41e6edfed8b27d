"""How fast the writer works: slowly enough for the loop's thread, which needs the same interpreter."""

import time

LONGEST_REST_S = 0.01


class Throttle:
    """Rests after every piece of work for as long as that took, unless somebody waits for the writer.

    Only a thread that really sleeps lets go of the interpreter before it is asked to, which takes 5 ms.
    """

    def __init__(self, *, is_hurried: bool) -> None:
        self._is_hurried = is_hurried
        self._since = time.perf_counter()

    def rest(self) -> None:
        """Call this often, and never in a transaction."""
        if not self._is_hurried:
            time.sleep(min(time.perf_counter() - self._since, LONGEST_REST_S))
            self._since = time.perf_counter()
