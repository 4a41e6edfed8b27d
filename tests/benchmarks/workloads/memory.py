"""How much memory a process needs to record very many stalls of very many kinds."""

import asyncio
import os
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.variants import BARE, Variant
from tests.benchmarks.workloads.work import Group, Shown, Work, Workload

STALLS = 100_000
FINDINGS = 10_000
FRAMES = 40
STALLS_A_SECOND = 2_000
WITHIN_S = 300.0


def _prepare(variant: Variant) -> Work:
    async def work() -> float:
        return await asyncio.to_thread(_grown_mb) if variant is not BARE else 0.0

    return work


def _grown_mb() -> float:
    """Into a database of its own; what has been recorded before the first stall that counts is a thousandth."""
    from tests.benchmarks import site

    with tempfile.TemporaryDirectory() as folder:
        os.environ[site.DATABASE_VARIABLE] = str(Path(folder) / "stalls.sqlite3")
        site.configure()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        _record(STALLS // 1_000)
        before_mb = _most_mb()
        _record(STALLS)
        return _most_mb() - before_mb


def _record(stalls: int) -> None:
    """More than the writer can keep up with: it thins the details."""
    from loopwatch.conf import configuration
    from loopwatch.detection.calls import StackFrame
    from loopwatch.recorder.recorder import Recorder
    from tests.recorder.calls import blocking_call

    path = "/srv/site/shop/part_{0}.py"
    frames = tuple(StackFrame(path.format(n), f"shop.part_{n}", "step", n, n, 4, 20) for n in range(FRAMES))
    recorder = Recorder(configuration())
    recorder.start()
    begin = time.monotonic()
    for number in range(stalls):
        function = f"view_{number % FINDINGS}"
        stack = (*frames, replace(frames[-1], function=function))
        recorder.put(blocking_call(function=f"shop.views.{function}", stack=stack, stall_id=f"{stalls}-{number}"))
        time.sleep(max(0.0, begin + number / STALLS_A_SECOND - time.monotonic()))
    if not recorder.stop(WITHIN_S):
        raise RuntimeError("The writer does not end")
    if recorder.stats().errors:
        raise RuntimeError(recorder.stats().last_error)


def _most_mb() -> float:
    """The most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


WORKLOADS = (
    Workload(
        "memory",
        f"memory for {STALLS:,} stalls of {FINDINGS:,} findings",
        _prepare,
        Shown.MEGABYTES,
        Group.STALLS,
        is_once=True,
    ),
)
