"""Merges the batches of all processes into the next message for one page, within limits."""

from collections import defaultdict
from dataclasses import asdict
from typing import Any

from loopwatch.live.batch import Line, LiveBatch

LINES_PER_MESSAGE = 20
PROCESSES_LIMIT = 200
SECONDS_PER_MESSAGE = 5_000


class Outbox:
    """Collects batches until they are taken. Used only on the loop of the page's connection."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._left_out = 0
        self._blocked = defaultdict[str, defaultdict[int, float]](lambda: defaultdict(float))
        self._seen: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._lines or self._left_out)

    def add(self, batch: LiveBatch) -> None:
        """Keep as many lines as fit, and count the other stalls."""
        before = self._seen.get(batch.process, batch.seen - batch.count)
        kept = batch.lines[: LINES_PER_MESSAGE - len(self._lines)]
        self._lines += kept
        self._left_out += max(0, batch.seen - before - sum(line.count for line in kept))
        self._seen[batch.process] = batch.seen
        if len(self._seen) > PROCESSES_LIMIT:
            del self._seen[next(iter(self._seen))]
        self._add_seconds(batch)

    def _add_seconds(self, batch: LiveBatch) -> None:
        if batch.process not in self._blocked and len(self._blocked) == PROCESSES_LIMIT:
            return
        seconds = self._blocked[batch.process]
        room = SECONDS_PER_MESSAGE - sum(map(len, self._blocked.values()))
        for second, blocked_ms in batch.blocked.items():
            room -= second not in seconds
            if room < 0:
                return
            seconds[second] += blocked_ms

    def take(self) -> dict[str, Any]:
        """Return everything, ready for JSON: ``lines``, stalls ``left_out``, and ``blocked`` by process and second."""
        taken = {
            "lines": [asdict(line) for line in self._lines],
            "left_out": self._left_out,
            "blocked": {process: list(seconds.items()) for process, seconds in self._blocked.items()},
        }
        self._lines, self._left_out = [], 0
        self._blocked.clear()
        return taken
