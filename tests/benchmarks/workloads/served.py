"""The same view behind real servers, which four connections keep busy from another process.

The process that does this work is the one that asks; what counts is the CPU time of the server's.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from functools import partial

from tests.benchmarks.variants import Variant
from tests.benchmarks.workloads.work import Work, Workload

CONNECTIONS = 4
REQUESTS = 30
START_WITHIN_S = 60.0
REQUEST = b"GET /ok/ HTTP/1.1\r\nHost: localhost\r\n\r\n"

DAPHNE = ["daphne", "-v", "0", "-b", "127.0.0.1", "-p"]
UVICORN = ["uvicorn", "--loop", "uvloop", "--log-level", "error", "--no-access-log", "--port"]


async def _ask(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(REQUESTS):
        writer.write(REQUEST)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise AssertionError(head)
        await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
    writer.close()
    await writer.wait_closed()


def _cpu_s(process: "subprocess.Popen[bytes]") -> float:
    """CPU seconds of another process, with threads that have ended; Linux and its relatives."""
    return time.clock_gettime(~process.pid << 3 | 2)


def _prepare(server: list[str], variant: Variant) -> Work:
    from tests.benchmarks import site

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", *server, str(port), f"{site.__name__}:application"]
    environment = {**os.environ, site.VARIANT_VARIABLE: variant.name}
    # The server ends with this process, which has the other end of its standard input.
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)
    _wait_for(port, process)

    async def load() -> float:
        begin = _cpu_s(process)
        await asyncio.gather(*(_ask(port) for _ in range(CONNECTIONS)))
        return (_cpu_s(process) - begin) / CONNECTIONS / REQUESTS

    return load


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args} does not answer")


WORKLOADS = (
    Workload("daphne", "served by Daphne", partial(_prepare, DAPHNE)),
    Workload("uvicorn", "by uvicorn with uvloop", partial(_prepare, UVICORN)),
)
