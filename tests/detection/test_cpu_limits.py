"""A process that has used up its share of the CPUs makes no blocking calls: its pauses are throttled."""

import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from loopwatch.detection.machine.cgroups import cpu_groups
from tests.support.children import run

PERIOD_US, QUOTA_US = 100_000, 20_000
LIMITED = """
import asyncio, os, sys, time
with open(sys.argv[1], "w") as group:
    group.write(str(os.getpid()))
from loopwatch import watch

def compute():
    until = time.thread_time() + 0.005
    while time.thread_time() < until:
        pass

async def main():
    with watch(threshold_ms=30) as watcher:
        for _ in range(40):
            compute()
            await asyncio.sleep(0)
    for call in (*watcher.calls, *watcher.disturbances):
        print(call.cause, call.throttled_periods > 0)

asyncio.run(main())
"""


@pytest.fixture
def group():
    """A control group that may use a fifth of a CPU."""
    try:
        found = cpu_groups(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text())
    except OSError:
        found = []
    if not found:
        pytest.skip("There are no control groups here")
    group = Path(found[0].directory, f"loopwatch-test-{os.getpid()}")
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"No control group can be made here: {error}")
    try:
        _limit(group, found[0].version)
        yield group
    finally:
        with suppress(OSError):
            group.rmdir()


def _limit(group, version):
    try:
        if version == 2:
            (group / "cpu.max").write_text(f"{QUOTA_US} {PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(QUOTA_US))
    except OSError as error:
        pytest.skip(f"No CPU limit can be set here: {error}")


@pytest.mark.real_time
def test_the_pauses_of_a_process_beyond_its_cpu_limit_are_throttled(group):
    ran = run([sys.executable, "-c", LIMITED, str(group / "cgroup.procs")], check=True)
    said = ran.stdout.splitlines()
    assert "throttled True" in said
    # A busy host may suspend the process besides.
    assert {line.partition(" ")[0] for line in said} <= {"throttled", "suspended", "starved"}
