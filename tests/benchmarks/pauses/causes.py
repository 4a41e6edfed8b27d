"""Ways to make a loop stand still for longer than the threshold: by its own steps, and by others."""

import asyncio
import gc
import hashlib
import json
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from loopwatch.detection.calls import Cause

THRESHOLD_MS = 50
LOOKOUT_VARIABLE = "LOOPWATCH_BENCHMARK_LOOKOUT"
LASTS_S = 0.15
ROWS: list[dict[str, int]] = []
"""Take ``json.dumps`` a few hundred milliseconds, once ``prepare`` has made them."""
HEAP: list[list[None]] = []
"""Takes the garbage collector as long."""
FEW_THREADS, MANY_THREADS = 8, 30
BASE = 3
PBKDF2 = 'hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 400_000)'


def prepare() -> None:
    """Make data that keeps C code busy. It takes hundreds of megabytes, so only the benchmark's own process has it."""
    ROWS.extend({"id": number} for number in range(500_000))
    HEAP.extend([] for _ in range(6_000_000))


async def wait() -> None:
    time.sleep(LASTS_S)


async def wait_for_lock() -> None:
    """Wait for a lock that this thread itself holds, and give up after a while."""
    lock = threading.Lock()
    with lock:
        lock.acquire(timeout=LASTS_S)


async def deadlock() -> None:
    """Take two locks in another order than a thread does, and give up after a while."""
    accounts, ledger, has_ledger = threading.Lock(), threading.Lock(), threading.Event()
    with accounts:
        threading.Thread(target=take_both, args=(ledger, accounts, has_ledger)).start()
        has_ledger.wait()
        ledger.acquire(timeout=LASTS_S)


async def compute_in_c() -> None:
    hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 400_000)


async def compute() -> None:
    spin(LASTS_S)


async def use_operator() -> None:
    _ = BASE**1_200_000


async def collect() -> None:
    gc.collect()


async def let_thread_call_c() -> None:
    await asyncio.to_thread(encode)


async def let_few_threads_compute() -> None:
    threads = [threading.Thread(target=spin, args=(0.1,)) for _ in range(FEW_THREADS)]
    await asyncio.to_thread(run_all, threads)


async def let_many_threads_compute() -> None:
    threads = [threading.Thread(target=spin, args=(0.05,)) for _ in range(MANY_THREADS)]
    await asyncio.to_thread(run_all, threads)


async def let_thread_collect() -> None:
    await asyncio.to_thread(collect_in_thread)


async def use_cpu() -> None:
    """Compute in quick steps, which only a CPU limit makes long."""
    until = time.monotonic() + 1
    while time.monotonic() < until:
        spin(0.005)
        await asyncio.sleep(0)


async def rest() -> None:
    """Serve other requests; the benchmark stops the process meanwhile."""
    await asyncio.sleep(1)


def spin(cpu_s: float) -> None:
    until = time.thread_time() + cpu_s
    while time.thread_time() < until:
        for _ in range(1000):  # or most of the time would be that of the clock, a call in C
            pass


def run_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def take_both(first: threading.Lock, second: threading.Lock, has_first: threading.Event) -> None:
    with first:
        has_first.set()
        with second:
            pass


def encode() -> None:
    json.dumps(ROWS)


def collect_in_thread() -> None:
    gc.collect()


@dataclass(frozen=True, slots=True)
class Pause:
    """One way to make the loop stand still, and the right report of it.

    ``calls`` are the names of the call to blame, or of the function where no call is, and ``source`` is the expression
    to blame. If ``holder`` is set, another thread is to blame, which ran this function.
    """

    act: Callable[[], Awaitable[None]]
    causes: tuple[Cause, ...]
    calls: tuple[str, ...] = ()
    holder: str = ""
    source: str = ""

    @property
    def name(self) -> str:
        return self.act.__name__


PAUSES = (
    Pause(wait, (Cause.WAITING,), ("time.sleep",), source="time.sleep(LASTS_S)"),
    Pause(wait_for_lock, (Cause.WAITING,), ("threading.Lock.acquire",), source="lock.acquire(timeout=LASTS_S)"),
    Pause(deadlock, (Cause.WAITING,), ("threading.Lock.acquire",), source="ledger.acquire(timeout=LASTS_S)"),
    Pause(compute_in_c, (Cause.COMPUTING,), ("hashlib.pbkdf2_hmac",), source=PBKDF2),
    Pause(compute, (Cause.COMPUTING,), (f"{__name__}.spin",)),
    Pause(use_operator, (Cause.COMPUTING,), (f"{__name__}.use_operator",), source="BASE**1_200_000"),
    Pause(collect, (Cause.GARBAGE_COLLECTION, Cause.COMPUTING), ("gc.collect",), source="gc.collect()"),
    Pause(let_thread_call_c, (Cause.STARVED,), ("json.dumps",), f"{__name__}.encode", "json.dumps(ROWS)"),
    Pause(let_few_threads_compute, (Cause.STARVED,), (f"{__name__}.spin",), f"{__name__}.spin"),
    Pause(let_many_threads_compute, (Cause.STARVED,), (f"{__name__}.spin",), f"{__name__}.spin"),
    Pause(let_thread_collect, (Cause.STARVED,), ("gc.collect",), f"{__name__}.collect_in_thread", "gc.collect()"),
    Pause(rest, (Cause.SUSPENDED,)),
    Pause(use_cpu, (Cause.THROTTLED,)),
)
