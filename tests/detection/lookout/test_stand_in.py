"""While the GIL is kept, the lookout answers the probes with what it knows from the shared memory."""

import json
import select
import socket
import time
from contextlib import closing
from selectors import DefaultSelector

import pytest

from loopwatch.detection.lookout.memory import (
    BLOCKED_AFTER_S,
    LOOPS,
    NEVER,
    STALLED_SINCE,
    UNUSED,
    WORST_PAUSE_S,
)
from loopwatch.detection.lookout.stand_in import StandIn
from testproject.demo.ports import LOOPBACK


class Process:
    """A process in which the GIL is kept since ``kept_since``, and a client that sends it one probe."""

    def __init__(self, selector):
        self.memory = list(UNUSED)
        self.kept_since = NEVER
        self.selector = selector
        self.stand_in = StandIn(selector, self.memory, lambda: self.kept_since)
        self.listener = socket.create_server((LOOPBACK, 0))
        self.listener.setblocking(False)
        self.address = self.listener.getsockname()
        self.client = socket.create_connection(self.address, timeout=30)
        self.client.sendall(b"GET / HTTP/1.1\r\n\r\n")

    def take_turns_until_answered(self):
        while not select.select([self.client], [], [], 0)[0]:
            self.take_turn(1)

    def take_turn(self, wait_s):
        expires_at = self.stand_in.take_turn()
        for key, _ in self.selector.select(wait_s):
            key.data()
        return expires_at

    def answer(self):
        self.stand_in.listen(self.listener)
        self.take_turns_until_answered()
        head, _, body = b"".join(iter(lambda: self.client.recv(1000), b"")).partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)


@pytest.fixture
def process():
    with DefaultSelector() as selector:
        process = Process(selector)
        with closing(process.stand_in), process.listener, process.client:
            yield process


def test_a_process_whose_gil_was_kept_for_long_does_not_serve(process):
    process.kept_since = time.perf_counter() - 20
    process.memory[BLOCKED_AFTER_S], process.memory[LOOPS] = 10, 2
    status, said = process.answer()
    assert status == 503
    assert (said["serving"], said["loops"]) == (False, 2)
    assert said["blocked_since"]
    assert said["worst_pause_ms"] >= 20_000


def test_a_process_whose_gil_has_not_been_kept_for_so_long_serves(process):
    process.kept_since = time.perf_counter() - 20
    process.memory[BLOCKED_AFTER_S], process.memory[WORST_PAUSE_S] = 3600, 7200
    status, said = process.answer()
    assert (status, said["serving"]) == (200, True)
    assert said["worst_pause_ms"] == 7_200_000


def test_a_stall_that_began_before_the_gil_was_kept_counts_in_full(process):
    process.kept_since = time.perf_counter() - 5
    process.memory[BLOCKED_AFTER_S], process.memory[STALLED_SINCE] = 10, time.perf_counter() - 20
    assert process.answer()[0] == 503


def test_probes_are_left_to_the_process_while_nobody_keeps_the_gil(process):
    process.stand_in.listen(process.listener)
    assert process.take_turn(0) == NEVER
    connection, _ = process.listener.accept()
    connection.close()


def test_a_probe_that_came_too_late_is_answered_that_the_process_serves(process):
    process.kept_since = time.perf_counter()
    process.memory[BLOCKED_AFTER_S] = 0.0
    late = socket.create_connection(process.address, timeout=30)
    with late:
        process.answer()
        while process.take_turn(1) == NEVER:
            pass
        process.kept_since = NEVER
        process.memory[BLOCKED_AFTER_S] = 10
        late.sendall(b"GET / HTTP/1.1\r\n\r\n")
        process.client = late
        process.take_turns_until_answered()
        assert late.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_nothing_is_answered_after_the_end(process):
    process.stand_in.listen(process.listener)
    process.stand_in.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(process.address, timeout=30)
