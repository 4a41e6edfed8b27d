"""Asks a server over connections that stay open: as fast as it answers, or at moments that do not depend on it.

One thread does that with plain sockets, so that asking takes less time than answering.
"""

import random
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

ANSWERS_WITHIN_S = 60.0
FEWEST = 10
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Question:
    """What a connection sends again and again: an HTTP request, or after a ``handshake`` a frame that comes back as
    ``answer``."""

    text: bytes
    handshake: bytes = b""
    answer: bytes = b""

    def is_answered(self, received: bytes) -> bool:
        if self.answer:
            self._check(self.answer.startswith(received), received)
            return received == self.answer
        head, end, body = received.partition(END_OF_HEAD)
        if not end:
            return False
        self._check(head.startswith(b"HTTP/1.1 200"), received)
        return len(body) >= int(head.lower().partition(b"content-length:")[2].split(None, 1)[0])

    def _check(self, is_right: bool, received: bytes) -> None:
        if not is_right:
            raise RuntimeError(f"{self.text!r} was answered by {received!r}")


class Connection:
    """One that has had its first answer. ``due`` is the moment when it was to ask, from which it has waited."""

    def __init__(self, port: int, question: Question) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), ANSWERS_WITHIN_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._question = question
        self._received = question.handshake and self._shake_hands()
        self.ask(0.0)
        while not self.receive():
            pass

    def ask(self, due: float) -> None:
        self.due = due
        self._received = b""
        self.socket.sendall(self._question.text)

    def receive(self) -> bool:
        """Read what has come. Return whether it is the whole answer."""
        self._received += self._read()
        return self._question.is_answered(self._received)

    def _shake_hands(self) -> bytes:
        self.socket.sendall(self._question.handshake)
        received = b""
        while END_OF_HEAD not in received:
            received += self._read()
        return received

    def _read(self) -> bytes:
        read = self.socket.recv(65536)
        if not read:
            raise RuntimeError(f"The server has closed the connection after {self._received!r}")
        return read


class Pool:
    """Connections that ask the same. ``latencies`` are in seconds."""

    def __init__(self, selector: selectors.BaseSelector, port: int, question: Question, size: int) -> None:
        self.connections = [Connection(port, question) for _ in range(size)]
        for connection in self.connections:
            selector.register(connection.socket, selectors.EVENT_READ, (self, connection))
        self.idle = deque(self.connections)
        self.latencies: list[float] = []


class Client:
    """All connections to one server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()

    def pool(self, question: Question, size: int) -> Pool:
        return Pool(self._selector, self._port, question, size)

    def ask_all_the_time(self, pool: Pool, seconds: float) -> float:
        """Have each connection ask again as soon as it has its answer. Return the seconds until the last one."""
        began = time.perf_counter()
        while pool.idle:
            pool.idle.popleft().ask(time.perf_counter())
        while len(pool.idle) < len(pool.connections):
            self._receive(ANSWERS_WITHIN_S)
            while pool.idle and time.perf_counter() - began < seconds:
                pool.idle.popleft().ask(time.perf_counter())
        return time.perf_counter() - began

    def ask_at(self, plan: Iterable[tuple[float, Pool]]) -> None:
        """Ask at these moments, in seconds from now, or when a connection is free. It looks without pause, because a
        selector would be a millisecond late."""
        began, left = time.perf_counter(), deque(plan)
        pools = {pool for _, pool in left}
        while left or any(len(pool.idle) < len(pool.connections) for pool in pools):
            at = time.perf_counter() - began
            while left and left[0][0] <= at and left[0][1].idle:
                moment, pool = left.popleft()
                pool.idle.popleft().ask(began + moment)
            self._receive(0.0)

    def _receive(self, timeout_s: float) -> None:
        ready = self._selector.select(timeout_s)
        if timeout_s and not ready:
            raise RuntimeError("The server has not answered in time")
        for key, _ in ready:
            pool, connection = key.data
            if connection.receive():
                pool.latencies.append(time.perf_counter() - connection.due)
                pool.idle.append(connection)

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            key.data[1].socket.close()
        self._selector.close()


@contextmanager
def client(port: int) -> Iterator[Client]:
    """Connections are opened for each turn, because servers close those that rest for seconds."""
    opened = Client(port)
    try:
        yield opened
    finally:
        opened.close()


def moments(rate: float, seconds: float) -> list[float]:
    """When independent clients would ask: the same moments for the same rate. On a slow machine it takes longer to ask
    often enough for a percentile."""
    chance = random.Random(1)
    found = [chance.expovariate(rate)]
    while len(found) < FEWEST or found[-1] < seconds:
        found.append(found[-1] + chance.expovariate(rate))
    return found
