"""The thread that gives the signs of life: it answers probes, touches a file and feeds systemd's watchdog.

The thread starts with the first loop that serves requests and ends with the last one. While a loop is blocked, probes
get 503, and the other two signs are withheld. If a call keeps the GIL, this thread cannot run: only the lookout answers
probes then, if it is in use.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Self

from loopwatch.detection.loggers import logger_of
from loopwatch.detection.lookout.http_answer import ProbeFigures, answer
from loopwatch.detection.lookout.http_server import ProbeServer
from loopwatch.sign_of_life.address import ProbeAddress, listener_at
from loopwatch.sign_of_life.liveness import Liveness, confirmed
from loopwatch.sign_of_life.signs import Signs
from loopwatch.sign_of_life.substitute import Substitute
from loopwatch.sign_of_life.systemd import SystemdError, systemd_watchdog

logger = logger_of()

TOUCHED_EVERY_S = 1.0
TAKEN_OVER_EVERY_S = 5.0
TOLD_EVERY_S = 1.0
"""How often the lookout gets the figures that it answers with when this thread cannot run."""
TRIED_AGAIN_EVERY_S = 1.0
"""A sign that could not be given is due after this time: systemd ends the process if two in a row are missing."""
JOINED_WITHIN_S = 2.0


@dataclass(slots=True)
class _Repeated:
    """A sign that is given again and again while the loops serve, and what it is called in the log."""

    name: str
    interval_s: float
    give: Callable[[], object]
    next_at: float = 0.0
    has_failed: bool = False


class SignOfLife:
    """Gives the signs from ``start`` to ``stop``. ``read`` returns the state of the loops; any thread may call it."""

    def __init__(self, signs: Signs, read: Callable[[], Liveness], substitute: Substitute) -> None:
        self._signs = signs
        self._read = read
        self._substitute = substitute
        self._selector = DefaultSelector()
        self._waking, self._woken = socket.socketpair()
        self._selector.register(self._woken, EVENT_READ, lambda: None)
        self._server: ProbeServer | None = None
        if signs.address is not None:
            self._server = ProbeServer(self._selector, self._answer)
        self._opens_at = 0.0
        self._has_complained = False
        self._repeated: list[_Repeated] = []
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="loopwatch-liveness", daemon=True)

    @classmethod
    def started(cls, signs: Signs, read: Callable[[], Liveness], substitute: Substitute) -> Self | None:
        """Start to give the signs; ``None`` if there are none to give, or no room for them, which is logged."""
        if not signs:
            return None
        try:
            sign_of_life = cls(signs, read, substitute)
            sign_of_life.start()
        except (OSError, RuntimeError) as error:  # no more descriptors or threads
            logger.error("This process gives no sign of life: %s", error)  # noqa: TRY400
            return None
        return sign_of_life

    def start(self) -> None:
        """Start the thread. Raises ``RuntimeError`` if there is no room for one."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close its port."""
        self._is_stopping = True
        with suppress(OSError):  # the thread never began, or is over
            self._waking.send(b"\0")
        self._thread.join(JOINED_WITHIN_S)

    def abandon(self) -> None:
        """Close, in a forked child, its copies of the sockets: the parent's port must not outlive the parent."""
        if self._server is not None:
            self._server.close()
        for each in (self._selector, self._waking, self._woken):
            each.close()

    def _run(self) -> None:
        self._repeated = [*self._file(), *self._systemd()]
        while not self._is_stopping:
            try:
                self._turn()
            except Exception:
                logger.exception("The sign of life failed, which is a bug in loopwatch; it goes on")
                time.sleep(TOUCHED_EVERY_S)
        self._substitute.end()
        self.abandon()

    def _turn(self) -> None:
        at = time.monotonic()
        server, address = self._server, self._signs.address
        if server is not None and address is not None and server.listener is None and at >= self._opens_at:
            self._open(server, address, at)
        for sign in self._repeated:
            if at >= sign.next_at:
                sign.next_at = at + min(sign.interval_s, TRIED_AGAIN_EVERY_S)
                if self._give(sign):
                    sign.next_at = at + sign.interval_s
        ends = [sign.next_at for sign in self._repeated]
        if server is not None:
            ends += [self._opens_at] if server.listener is None else []
            ends += [expires_at] if (expires_at := server.close_expired(at)) is not None else []
            ends += [at + TOLD_EVERY_S] if self._substitute.tell(server.listener, self._read) else []
        for key, _ in self._selector.select(max(0.0, min(ends) - time.monotonic()) if ends else None):
            key.data()

    def _open(self, server: ProbeServer, address: ProbeAddress, at: float) -> None:
        try:
            server.accept_from(listener_at(address))
        except OSError as error:
            self._opens_at = at + TAKEN_OVER_EVERY_S
            if not self._has_complained:
                self._has_complained = True
                logger.warning(
                    "This process (%d) answers no probes at %s: %s. If another worker process answers there, nothing "
                    "is wrong: this one takes over once the address is free.",
                    *(os.getpid(), str(address), os.strerror(error.errno or 0)),
                )

    def _give(self, sign: _Repeated) -> bool:
        """Give a sign if the loops serve. Returns whether it is given."""
        if not confirmed(self._read).serving:
            return False
        try:
            sign.give()
        except (OSError, ValueError) as error:  # ``ValueError``: no file can have this name
            if not sign.has_failed:
                logger.warning("There is no sign of life by %s: %s", sign.name, error)
            sign.has_failed = True
            return False
        sign.has_failed = False
        return True

    def _answer(self, request: bytes) -> bytes:
        found = confirmed(self._read)
        return answer(request, ProbeFigures(found.serving, found.blocked_since, found.worst_pause_ms, found.loops))

    def _file(self) -> list[_Repeated]:
        if self._signs.file is None:
            return []
        return [_Repeated(f"the file {self._signs.file}", TOUCHED_EVERY_S, Path(self._signs.file).touch)]

    def _systemd(self) -> list[_Repeated]:
        if not self._signs.systemd:
            return []
        try:
            watchdog = systemd_watchdog(os.environ, os.getpid())
        except SystemdError as error:
            logger.warning("There is no sign of life for systemd: %s", error)
            return []
        return [_Repeated("systemd's socket", watchdog.interval_s, watchdog.sign)]
