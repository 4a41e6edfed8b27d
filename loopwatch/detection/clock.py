"""The clock that all of detection shares: monotonic seconds as a float, at the highest resolution there is."""

import time

now = time.perf_counter
NEVER = float("inf")
