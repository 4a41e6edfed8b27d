"""Spreads the writes of many processes over time, so that their number does not decide what the database has to do."""

from collections.abc import Iterable
from random import Random

from loopwatch.recorder.pending import DETAILS_PER_FINDING, FINDINGS_LIMIT

FLUSHES_A_SECOND = 1.5
"""How often all processes together write, if each has something to write all the time."""
LONGEST_S = 120.0
LEAST_DETAILS = 2
"""The slowest and the newest stall."""


class FlushPace:
    """Says how long what is put may wait. ``processes`` is how many record in the database; the writer sets it.

    What may be new waits no longer than the interval of the settings, so that alerts come soon. So does what may be
    reopened, as far as that was known at the latest write.
    """

    def __init__(self, interval_s: float) -> None:
        self.processes = 1
        self._interval_s = interval_s
        self._known = set[str]()
        # What stops many processes at the same moment must not have them write at the same moment.
        self._part = Random().uniform(0.5, 1.0)  # noqa: S311 - the site may seed the common generator

    @property
    def delay_s(self) -> float:
        """Return the time until the counts of a known finding are written: longer, the more processes there are."""
        return self._part * max(self._interval_s, min(LONGEST_S, self.processes / FLUSHES_A_SECOND))

    @property
    def details_per_finding(self) -> int:
        """Return how many stalls of a finding are written in full: together, many processes have more than are kept."""
        return max(LEAST_DETAILS, DETAILS_PER_FINDING // self.processes)

    def know(self, fingerprints: Iterable[str]) -> None:
        """Note the findings that are stored and that nothing reopens, and forget all others."""
        self._known = set(fingerprints)

    def delay_of_s(self, fingerprint: str) -> float:
        """Return the time until a stall of this finding is written."""
        if fingerprint in self._known or len(self._known) >= FINDINGS_LIMIT:
            return self.delay_s
        self._known.add(fingerprint)
        return self._part * self._interval_s
