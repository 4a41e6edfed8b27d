"""The servers that the benchmarks start, and how much CPU time one of them has used."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress

from testproject.demo.ports import LOOPBACK, any_free

START_WITHIN_S = 60.0
# On a slow machine a connection may rest for longer than the five seconds that are usual.
_UVICORN = ["uvicorn", "--log-level", "error", "--no-access-log", "--timeout-keep-alive", "600"]
SERVERS = {
    "daphne": ["daphne", "-v", "0", "-b", "127.0.0.1", "-p"],
    "uvicorn": [*_UVICORN, "--loop", "asyncio", "--port"],
    "uvicorn-uvloop": [*_UVICORN, "--loop", "uvloop", "--port"],
}


def server_command(name: str, port: int, application: str) -> list[str]:
    return [sys.executable, "-m", *SERVERS[name], str(port), application]


def start_server(name: str, application: str, environment: Mapping[str, str]) -> "tuple[subprocess.Popen[bytes], int]":
    """Start a server on the last CPU, and wait until it accepts connections. Return its process and its port.

    The other end of its standard input belongs to this process, so the application can see when this process ends.
    """
    port = any_free()
    command = server_command(name, port, application)
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.PIPE)
    pin(process.pid, (os.cpu_count() or 1) - 1)
    until = time.monotonic() + START_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError):
            socket.create_connection((LOOPBACK, port), 1).close()
            return process, port
        time.sleep(0.05)
    raise RuntimeError(f"{process.args} does not answer")


def pin(process_id: int, cpu: int) -> None:
    """Let a process, 0 for this one, use that CPU alone, if the machine allows it."""
    with suppress(AttributeError, OSError):
        os.sched_setaffinity(process_id, {cpu})


def cpu_s(process: "subprocess.Popen[bytes]") -> float:
    """CPU seconds of another process, with threads that have ended; Linux and its relatives."""
    return time.clock_gettime(~process.pid << 3 | 2)
