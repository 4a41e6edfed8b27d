"""Keeps logs short: one line a minute for everything that is alike."""

import time
from collections import OrderedDict
from collections.abc import Callable

INTERVAL_S = 60.0
KEYS_LIMIT = 10_000


class LogThrottle:
    """Lets one line pass for each key and minute, and counts the others. Not thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_line_at: OrderedDict[str, float] = OrderedDict()
        self._left_out: dict[str, int] = {}

    def left_out(self, key: str) -> int | None:
        """Return how many lines were left out since the last one; ``None`` if this one is left out too."""
        now = self._clock()
        if now - self._last_line_at.get(key, -INTERVAL_S) < INTERVAL_S:
            self._left_out[key] = self._left_out.get(key, 0) + 1
            return None
        self._last_line_at[key] = now
        self._last_line_at.move_to_end(key)
        if len(self._last_line_at) > KEYS_LIMIT:
            self._left_out.pop(self._last_line_at.popitem(last=False)[0], None)
        return self._left_out.pop(key, 0)
