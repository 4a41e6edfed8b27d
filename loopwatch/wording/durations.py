"""Formats durations (0.4 ms, 1.2 s, 3 min 4 s, 3 d 4 h), and parses typed ones (100ms, 7d)."""

import re
from itertools import pairwise

_UNITS_S = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_TYPED = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s?(ms|[smhdw])", re.ASCII)
_TYPED_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def parse_duration_ms(text: str) -> float | None:
    """Parse a number with one of the units ms, s, m, h, d and w; return ``None`` for anything else."""
    match = _TYPED.fullmatch(text.strip())
    return float(match[1]) * _TYPED_UNITS_MS[match[2]] if match else None


def human_duration(duration_ms: float) -> str:
    """Format a duration in at most two units, never with more of a unit than the next larger one holds."""
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
