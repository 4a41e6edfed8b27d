"""How late a loop came to its latest steps. The loop's thread notes it; all times are ``now()``.

A loop that competes for the GIL with several threads loses it at every ``select()``. A timer ends in one turn, and the
task that waits for it goes on in the next one. So the task is as late as both turns together, though each may be short.
"""

from collections import deque

SHORTEST_PAUSE_S = 0.01
"""Selectors round up to a millisecond, and the machine's scheduling adds some: this is no pause between steps yet."""
SHORTEST_GAP = 0.2
"""The share of the threshold from which on a gap counts as part of a pause."""
TURNS = 2


def shortest_gap_s(threshold_s: float) -> float:
    return max(SHORTEST_GAP * threshold_s, SHORTEST_PAUSE_S)


class _Gap:
    """A stretch of time in which no step ran. The loop rested until ``due``, and was late from then on."""

    __slots__ = ("began", "due", "ended")

    def __init__(self, began: float, ended: float) -> None:
        self.began, self.due, self.ended = began, ended, ended


class Lateness:
    """The two latest gaps between the steps of a loop that were long."""

    __slots__ = ("_gaps",)

    def __init__(self) -> None:
        self._gaps: deque[_Gap] = deque(maxlen=TURNS)

    def note_gap(self, began: float, ended: float) -> None:
        self._gaps.append(_Gap(began, ended))

    def note_due(self, due: float) -> None:
        """Note when the step that has just begun was due: during each gap since then, the loop was late.

        The first step after a gap need not have been due; a later one may say that it was.
        """
        for gap in self._gaps:
            gap.due = min(gap.due, max(due, gap.began))

    def take_pause(self, known_until: float, threshold_s: float) -> tuple[float, float] | None:
        """Return the beginning and end of the latest pause, if the loop was late for the threshold or longer.

        Only quick steps may have run during the pause. What was late before ``known_until`` does not count.
        """
        late_s, since = 0.0, None
        for gap in reversed(self._gaps):
            due = max(gap.due, known_until)
            if due >= gap.ended or (since is not None and since - gap.ended > shortest_gap_s(threshold_s)):
                break
            late_s, since = late_s + gap.ended - due, due
        if since is None or late_s < max(threshold_s, SHORTEST_PAUSE_S):
            return None
        until = self._gaps[-1].ended
        self._gaps.clear()
        return since, until
