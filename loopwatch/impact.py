"""The seven figures that loopwatch counts for findings, hours, routes and loops."""

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Impact:
    """What stalls cost; ``a + b`` is what both cost together.

    ``blocked_us`` is how long loops were blocked, ``longest_us`` the longest stall, and ``delay_us`` the time that
    other requests waited, added up over ``requests_delayed`` requests. ``requests_kept_out`` are those that could not
    arrive, and ``kept_out_us`` the sum of their waits; both are estimates.
    """

    events: int = 0
    blocked_us: int = 0
    longest_us: int = 0
    requests_delayed: int = 0
    delay_us: int = 0
    requests_kept_out: int = 0
    kept_out_us: int = 0

    def __add__(self, other: "Impact") -> "Impact":
        # Recording adds up several impacts for each stall, and many of them to none or with none.
        if other is NO_IMPACT:
            return self
        if self is NO_IMPACT:
            return other
        return Impact(
            self.events + other.events,
            self.blocked_us + other.blocked_us,
            max(self.longest_us, other.longest_us),
            self.requests_delayed + other.requests_delayed,
            self.delay_us + other.delay_us,
            self.requests_kept_out + other.requests_kept_out,
            self.kept_out_us + other.kept_out_us,
        )

    @property
    def total_us(self) -> int:
        """What lists are ordered by: the time blocked and all of the delay that it caused."""
        return self.blocked_us + self.total_delay_us

    @property
    def total_delay_us(self) -> int:
        """How long others waited, in flight or kept out. The estimate counts in full, because it never exceeds."""
        return self.delay_us + self.kept_out_us

    def columns(self) -> dict[str, int]:
        """Return the figures by the names of their columns."""
        return asdict(self)

    def reported(self) -> dict[str, Any]:
        """Return the figures as reports name them, durations in milliseconds."""
        return {
            "events": self.events,
            "blocked_ms": self.blocked_us / 1000,
            "longest_ms": self.longest_us / 1000,
            "requests_delayed": self.requests_delayed,
            "delay_ms": self.delay_us / 1000,
            "requests_kept_out": self.requests_kept_out,
            "kept_out_ms": self.kept_out_us / 1000,
        }


NO_IMPACT = Impact()
COLUMNS = tuple(field.name for field in fields(Impact))
