"""Durations as people say them: 0.4 ms, 45 ms, 1.2 s, 3 min 4 s, 2 h 5 min, 3 d 4 h."""

from itertools import pairwise

_UNITS_S = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def human_duration(duration_ms: float) -> str:
    """Round a duration to two units at most, never to more of a unit than the next one holds."""
    if duration_ms < 9.95:
        return f"{duration_ms:.1f} ms" if duration_ms else "0 ms"
    if duration_ms < 999.5:
        return f"{duration_ms:.0f} ms"
    if duration_ms < 9_950:
        return f"{duration_ms / 1000:.1f} s"
    return _in_two_units(round(duration_ms / 1000))


def _in_two_units(seconds: int) -> str:
    for (name, size_s), (smaller_name, smaller_s) in pairwise(_UNITS_S):
        rounded = round(seconds / smaller_s) * smaller_s
        if rounded >= size_s:
            count, rest = divmod(rounded, size_s)
            return f"{count} {name} {rest // smaller_s} {smaller_name}" if rest else f"{count} {name}"
    return f"{seconds} s"
