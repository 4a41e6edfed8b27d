"""Prepares the lookout to answer probes while a call keeps the GIL, when the thread of the signs of life cannot."""

import socket
from collections.abc import Callable

from loopwatch.detection.lookout.lookout import Lookout
from loopwatch.sign_of_life.liveness import Liveness


class Substitute:
    """Tells the lookout, if there is one, where and what to answer. ``find`` returns the present lookout."""

    def __init__(self, find: Callable[[], Lookout | None], blocked_after_s: float) -> None:
        self._find = find
        self._blocked_after_s = blocked_after_s
        self._told: tuple[Lookout | None, socket.socket | None] = None, None

    def tell(self, listener: socket.socket | None, read: Callable[[], Liveness]) -> bool:
        """Pass on the listening socket and what ``read`` returns. Returns whether that has to be done again soon."""
        lookout = self._find()
        if lookout is None:
            return False
        if self._told != (lookout, listener):
            self._told = lookout, listener
            lookout.answer_probes(listener, self._blocked_after_s)
        liveness = read()
        lookout.note_pauses(liveness.loops, liveness.worst_pause_ms / 1000)
        return listener is not None and lookout.is_wanted

    def end(self) -> None:
        """Have no probe answered any more."""
        lookout, listener = self._told
        if lookout is not None and listener is not None:
            lookout.answer_probes(None, self._blocked_after_s)
