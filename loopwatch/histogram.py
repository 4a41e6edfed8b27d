"""Defines the histogram of durations in hourly totals, and estimates percentiles from it.

Buckets are columns of ``HourlyTotal``, so that several processes can increment them exactly.
"""

from bisect import bisect_right
from collections.abc import Sequence

BOUNDS_MS = (2, 5, 10, 20, 35, 50, 75, 100, 150, 250, 500, 1000, 2500, 5000, 10000, 30000)
COLUMNS = (*(f"under_{bound}ms" for bound in BOUNDS_MS), f"over_{BOUNDS_MS[-1]}ms")


def column_for(duration_ms: float) -> str:
    """Return the column that counts an event of this duration; a bound belongs to the bucket above it."""
    return COLUMNS[bisect_right(BOUNDS_MS, duration_ms)]


def percentile_ms(counts: Sequence[int], fraction: float, longest_ms: float) -> float:
    """Estimate a percentile by interpolation within its bucket.

    ``counts`` has a number for each column, in their order. The result never exceeds ``longest_ms``, the exact maximum,
    and is 0.0 if nothing was counted.
    """
    rank = fraction * sum(counts)
    passed = 0
    for index, count in enumerate(counts):
        if count and passed + count >= rank:
            lower = BOUNDS_MS[index - 1] if index else 0.0
            upper = min(longest_ms, BOUNDS_MS[index]) if index < len(BOUNDS_MS) else longest_ms
            return min(longest_ms, lower + (upper - lower) * (rank - passed) / count)
        passed += count
    return 0.0
