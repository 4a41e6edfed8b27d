"""Defines the histogram of durations in hourly totals, and estimates percentiles from it.

Buckets are columns of ``HourlyTotal``, so that several processes can increment them exactly.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import ceil

BOUNDS_MS = (2, 5, 10, 20, 35, 50, 75, 100, 150, 250, 500, 1000, 2500, 5000, 10000, 30000)
COLUMNS = (*(f"under_{bound}ms" for bound in BOUNDS_MS), f"over_{BOUNDS_MS[-1]}ms")


def column_for(duration_ms: float) -> str:
    """Return the column that counts an event of this duration; a bound belongs to the bucket above it."""
    return COLUMNS[bisect_right(BOUNDS_MS, duration_ms)]


def percentile_ms(counts: Sequence[int], fraction: float, longest_ms: float, total_ms: float | None) -> float:
    """Estimate the duration that this fraction of the events did not exceed.

    The estimate interpolates within a bucket, and never contradicts what is known exactly: ``longest_ms``, the maximum,
    and ``total_ms``, the sum of all that was counted (``None`` if unknown). ``counts`` has a number for each column, in
    their order. The result is 0.0 if nothing was counted.
    """
    number = sum(counts)
    rank = max(1, ceil(fraction * number))
    if rank >= number:
        return longest_ms if number else 0.0
    index = next(index for index, passed in enumerate(accumulate(counts)) if passed >= rank)
    lower, upper = _bounds(index, longest_ms)
    estimate = lower + (upper - lower) * (fraction * number - sum(counts[:index])) / counts[index]
    if total_ms is not None:
        least, most = _possible(counts, rank, index, longest_ms, total_ms)
        estimate = max(least, min(estimate, most))
    return max(lower, min(estimate, upper))


def _bounds(index: int, longest_ms: float) -> tuple[float, float]:
    """Return between which two durations the events of a bucket lie."""
    upper = min(longest_ms, BOUNDS_MS[index]) if index < len(BOUNDS_MS) else longest_ms
    return min(upper, BOUNDS_MS[index - 1] if index else 0.0), upper


def _possible(counts: Sequence[int], rank: int, bucket: int, longest_ms: float, total_ms: float) -> tuple[float, float]:
    """Return the smallest and the largest duration that the event of a rank can have, if it is not the longest one.

    It is smallest if all events of higher ranks and of other buckets are as long as possible, and it is as long as
    those below it in its bucket. It is largest if all others, but for the longest one, are as short as possible.
    """
    bounds = [_bounds(index, longest_ms) for index in range(len(counts))]
    shortest_ms = sum(count * lower for count, (lower, _) in zip(counts, bounds, strict=True))
    most_ms = sum(count * upper for count, (_, upper) in zip(counts, bounds, strict=True))
    lower, upper = bounds[bucket]
    up_to = rank - sum(counts[:bucket])
    least = (total_ms - (most_ms - up_to * upper)) / up_to
    highest = max(index for index, count in enumerate(counts) if count)
    from_it_on = counts[bucket] - up_to + 1 - (highest == bucket)
    others_ms = shortest_ms - bounds[highest][0] + longest_ms - from_it_on * lower
    return least, (total_ms - others_ms) / from_it_on
