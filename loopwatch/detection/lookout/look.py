"""What the lookout hands over: who kept the GIL, and where."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class LookedFrame(NamedTuple):
    """One frame, as it was read from memory: names, and the place of the expression that it executes."""

    filename: str
    function: str
    lineno: int
    end_lineno: int
    column: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Look:
    """A thread kept the GIL at one place, seen alike from ``first_at`` to ``last_at``. Innermost frame first.

    ``thread_id`` is the native one. ``opcode`` is what the innermost frame executes. ``torn`` is how many looks were
    torn so far.
    """

    thread_id: int
    first_at: float
    last_at: float
    opcode: int
    frames: tuple[LookedFrame, ...]
    torn: int

    @property
    def lasted_s(self) -> float:
        return self.last_at - self.first_at

    def shared_s(self, since: float, until: float) -> float:
        """Return the seconds that it has in common with a stretch of time."""
        return max(0.0, min(self.last_at, until) - max(self.first_at, since))

    def is_earlier_part_of(self, later: "Look") -> bool:
        return (self.thread_id, self.first_at) == (later.thread_id, later.first_at)


def keeper_of(looks: Iterable[Look], since: float, until: float) -> int | None:
    """Return the native id of the thread that was seen to keep the GIL most of the time; ``None`` if none was."""
    kept_s: dict[int, float] = defaultdict(float)
    for look in looks:
        kept_s[look.thread_id] += look.shared_s(since, until)
    return next((thread_id for thread_id, seconds in kept_s.items() if seconds > (until - since) / 2), None)


def look_of(message: bytes) -> Look:
    thread_id, first_at, last_at, opcode, frames, torn = json.loads(message)
    return Look(thread_id, first_at, last_at, opcode, tuple(LookedFrame(*each) for each in frames), torn)
