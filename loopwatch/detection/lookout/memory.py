"""The page of memory that the main interpreter writes and the lookout reads: numbers, each at its index.

A float is written at once on every platform of the lookout, so neither side waits for the other.
"""

DUE = 0
"""The moment at which the watchdog wants the GIL."""
STALLED_SINCE = 1
"""When the longest of the running stalls began that the watchdog knows of."""
BLOCKED_AFTER_S = 2
"""``LIVENESS_AFTER_S``."""
LOOPS = 3
WORST_PAUSE_S = 4
"""The longest pause of the last minute, as ``LOOPS`` from when the sign of life was last looked at."""

NEVER = float("inf")
UNUSED = (NEVER, NEVER, NEVER, 0.0, 0.0)
