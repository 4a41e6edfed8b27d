"""Remembers stalls that were reported while they were still going on."""

from collections import OrderedDict
from typing import Generic, TypeVar

from loopwatch.detection.calls import BlockingCall

LIMIT = 1_000
"""The end of a stall may never be reported, so the oldest are forgotten."""

Note = TypeVar("Note")


class OngoingStalls(Generic[Note]):
    """Keeps one note for each ongoing stall. Not thread-safe."""

    def __init__(self) -> None:
        self._notes: OrderedDict[str, Note] = OrderedDict()

    def pop(self, call: BlockingCall) -> Note | None:
        """Return and forget the note of the call's stall; ``None`` for the first report of a stall."""
        return self._notes.pop(call.stall_id, None)

    def keep(self, call: BlockingCall, note: Note) -> None:
        """Remember the note until the next report of the call's stall, unless the stall has ended."""
        if call.ongoing:
            self._notes[call.stall_id] = note
            if len(self._notes) > LIMIT:
                self._notes.popitem(last=False)
