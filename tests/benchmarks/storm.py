"""What a storm of stalls costs: loops in several threads that block without pause, longer than a low threshold.

``python -m tests.benchmarks.storm [--loops 8] [--seconds 20] [--stall-ms 1.1] [--threshold-ms 1] [--json]`` has the
storm twice, each time in a process of its own: bare, and watched. Printed are the stalls that the loops have measured
and those that were reported, by what was said of them; the watchdog's share of a core; how late another loop's timers
were; and how large the process was in the second quarter of the storm and in the last.
"""

import argparse
import asyncio
import collections
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from loopwatch.detection import monitor
from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.machine.clock import NEVER

TICK_S = 0.01
SETTLES_WITHIN_S = 60.0


@dataclass
class Counting:
    """Watches every loop, and keeps nothing but numbers."""

    threshold_s: float
    engine: str = "sampling"
    ongoing_after_s: float = NEVER
    counts_kept_out: bool = False
    calls_dropped: int = 0
    entered: float = 0.0
    said: collections.Counter[str] = field(default_factory=collections.Counter)
    blocked_ms: float = 0.0

    def receive(self, call: BlockingCall) -> None:
        certainty = "exact" if call.exact else "inexact"
        self.said[f"{call.cause}" if call.cause.is_machine else f"{call.method_name}, {certainty}"] += 1
        self.blocked_ms += call.step_ms


@dataclass(frozen=True)
class Storm:
    """What one process has measured. ``late_ms`` is by percentile."""

    stalls: int
    stalls_ms: float
    seconds: float
    late_ms: dict[str, float]
    megabytes: tuple[float, float]
    reported: int = 0
    reported_ms: float = 0.0
    said: dict[str, int] = field(default_factory=dict)
    watchdog_share: float = 0.0
    unexamined: int = 0
    settled_after_s: float = 0.0


class Blocking:
    """Runs a loop in its own thread that blocks again and again, and measures for how long."""

    def __init__(self, stall_s: float, threshold_s: float, until: Callable[[], bool]) -> None:
        self.stalls, self.stalls_s = 0, 0.0
        self._stall_s, self._threshold_s, self._until = stall_s, threshold_s, until
        self.thread = threading.Thread(target=lambda: asyncio.run(self._block()))

    async def _block(self) -> None:
        while not self._until():
            began = time.perf_counter()
            time.sleep(self._stall_s)
            lasted_s = time.perf_counter() - began
            if lasted_s >= self._threshold_s:
                self.stalls += 1
                self.stalls_s += lasted_s
            await asyncio.sleep(0)


async def lateness(until: Callable[[], bool], seen: list[float], sizes: list[float]) -> None:
    """Tick, and note how late each tick was in milliseconds."""
    loop = asyncio.get_running_loop()
    while not until():
        due = loop.time() + TICK_S
        await asyncio.sleep(TICK_S)
        seen.append((loop.time() - due) * 1000)
        sizes.append(megabytes())


def megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def measure(loops: int, seconds: float, stall_ms: float, threshold_ms: float, *, is_watched: bool) -> Storm:
    watcher = Counting(threshold_ms / 1000)
    late: list[float] = []
    sizes: list[float] = []
    began = time.perf_counter()

    def until() -> bool:
        return time.perf_counter() - began >= seconds

    blocking = [Blocking(stall_ms / 1000, threshold_ms / 1000, until) for _ in range(loops)]
    if is_watched:
        monitor.start_watching(watcher, None, every_thread=True)
    for each in blocking:
        each.thread.start()
    asyncio.run(lateness(until, late, sizes))
    for each in blocking:
        each.thread.join()
    took_s = time.perf_counter() - began
    watchdog = monitor.watchdog_figures()
    settled = not is_watched or monitor.stop_watching(watcher, SETTLES_WITHIN_S)
    assert settled, "The watchdog has not settled what it was given"
    quarter = len(sizes) // 4
    percentiles = statistics.quantiles(late, n=100)
    return Storm(
        stalls=sum(each.stalls for each in blocking),
        stalls_ms=sum(each.stalls_s for each in blocking) * 1000,
        seconds=took_s,
        late_ms={"p50": percentiles[49], "p99": percentiles[98], "max": max(late)},
        megabytes=(statistics.median(sizes[quarter : 2 * quarter]), statistics.median(sizes[3 * quarter :])),
        reported=sum(watcher.said.values()),
        reported_ms=watcher.blocked_ms,
        said=dict(watcher.said.most_common()),
        watchdog_share=watchdog.cpu_s / took_s,
        unexamined=watchdog.unexamined,
        settled_after_s=time.perf_counter() - began - took_s,
    )


def in_a_process_of_its_own(options: argparse.Namespace, kind: str) -> Storm:
    command = [sys.executable, "-m", "tests.benchmarks.storm", "--only", kind, "--loops", str(options.loops)]
    for name in ("seconds", "stall_ms", "threshold_ms"):
        command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Storm(**json.loads(done.stdout))


def text(kind: str, storm: Storm) -> str:
    rate = storm.stalls / storm.seconds
    lines = [f"{kind}: {storm.stalls} stalls, {rate:.0f} a second, {storm.stalls_ms:.0f} ms in all"]
    if storm.reported:
        lines += [
            f"  reported {storm.reported}, {storm.reported_ms:.0f} ms in all, {storm.unexamined} of them not examined",
            *(f"    {count:7} {said}" for said, count in storm.said.items()),
            f"  settled {storm.settled_after_s:.2f} s after the storm",
            f"  the watchdog took {storm.watchdog_share:.1%} of a core",
        ]
    late = ", ".join(f"{name} {late:.2f} ms" for name, late in storm.late_ms.items())
    second, last = storm.megabytes
    lines += [
        f"  another loop was late by {late}",
        f"  {second:.1f} MB in the second quarter, {last:.1f} MB in the last",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a storm of stalls costs.")
    parser.add_argument("--loops", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--stall-ms", type=float, default=1.1)
    parser.add_argument("--threshold-ms", type=float, default=1.0)
    parser.add_argument("--only", choices=("bare", "watched"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.only:
        watched = options.only == "watched"
        told = measure(options.loops, options.seconds, options.stall_ms, options.threshold_ms, is_watched=watched)
        print(json.dumps(asdict(told)))
        return
    both = {kind: in_a_process_of_its_own(options, kind) for kind in ("bare", "watched")}
    print(json.dumps({kind: asdict(told) for kind, told in both.items()}, indent=2) if options.json else "", end="")
    if not options.json:
        print(f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs")
        print("\n".join(text(kind, told) for kind, told in both.items()))


if __name__ == "__main__":
    main()
