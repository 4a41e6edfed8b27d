"""The clock that all of detection shares: monotonic seconds as a float, at the highest resolution there is."""

import time
from datetime import UTC, datetime, timedelta

now = time.perf_counter
NEVER = float("inf")


def utc_of(moment: float) -> datetime:
    """Return the date and time of a moment of ``now()``."""
    return datetime.now(UTC) - timedelta(seconds=now() - moment)
