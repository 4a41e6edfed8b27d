"""Answers probes while a call keeps the GIL, because no thread of the main interpreter can.

Runs in the lookout's subinterpreter. Otherwise ``loopwatch-liveness`` answers, which listens to the same port.
"""

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from selectors import BaseSelector
from typing import Any

from loopwatch.detection.lookout.http_answer import ProbeFigures, answer
from loopwatch.detection.lookout.http_server import ProbeServer
from loopwatch.detection.lookout.memory import BLOCKED_AFTER_S, LOOPS, NEVER, STALLED_SINCE, WORST_PAUSE_S


class StandIn:
    """Serves the port of ``listener``, if there is one. ``kept_since`` returns since when the GIL is kept."""

    def __init__(self, selector: BaseSelector, memory: Any, kept_since: Callable[[], float]) -> None:
        self._server = ProbeServer(selector, self._answer)
        self._memory = memory
        self._kept_since = kept_since
        self._listener: socket.socket | None = None

    def listen(self, listener: socket.socket | None) -> None:
        """Serve this port from now on, and close the one before."""
        self._server.accept_from(None)
        if self._listener is not None:
            self._listener.close()
        self._listener = listener

    def take_turn(self) -> float:
        """Accept connections only while the GIL is kept. Returns when the next one expires, or ``NEVER``."""
        self._server.accept_from(self._listener if self._kept_since() < NEVER else None)
        expires_at = self._server.close_expired(time.monotonic())
        return NEVER if expires_at is None else expires_at

    def close(self) -> None:
        self.listen(None)
        self._server.close()

    def _answer(self, request: bytes) -> bytes:
        at, memory = time.perf_counter(), self._memory
        blocked_s = max(0.0, at - min(self._kept_since(), memory[STALLED_SINCE]))
        figures = ProbeFigures(
            serving=blocked_s < memory[BLOCKED_AFTER_S],
            blocked_since=datetime.now(UTC) - timedelta(seconds=blocked_s) if blocked_s else None,
            worst_pause_ms=max(blocked_s, memory[WORST_PAUSE_S]) * 1000,
            loops=int(memory[LOOPS]),
        )
        return answer(request, figures)
