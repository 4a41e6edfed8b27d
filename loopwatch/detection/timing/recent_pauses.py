"""Remembers the longest pauses of a loop within the last minute. The watchdog's thread writes, any thread reads."""

WINDOW_S = 60


class RecentPauses:
    """The longest pause that ended in each second of the last minute."""

    __slots__ = ("_longest",)

    def __init__(self) -> None:
        self._longest: list[tuple[int, float]] = [(-WINDOW_S, 0.0)] * WINDOW_S

    def note(self, ended: float, lasted_s: float) -> None:
        """Note a pause that ended at ``ended``, in seconds of ``now()``."""
        second = int(ended)
        noted, longest_s = self._longest[second % WINDOW_S]
        self._longest[second % WINDOW_S] = (second, max(longest_s, lasted_s) if noted == second else lasted_s)

    def longest_s(self, at: float) -> float:
        """Return the longest pause of the minute before ``at``; 0 if there was none."""
        return max((lasted_s for second, lasted_s in self._longest if at - second < WINDOW_S), default=0.0)
