"""What a callback and a request cost in instructions of the CPU: no other process disturbs that.

``python -m tests.benchmarks.instructions`` has valgrind's callgrind count them, in all threads, for some minutes.
One instruction takes longer than another, so this says less than time on a quiet machine, but more than time on a busy
one. What the kernel does is not counted.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

from tests.benchmarks.__main__ import database
from tests.benchmarks.measuring import ROOT
from tests.benchmarks.variants import BARE, SAMPLING, TRACING, Variant
from tests.benchmarks.workloads import requests, steps

COUNTED = re.compile(rb"Collected : (\d+)")
COUNTS = {"callback": steps.STEPS, "view": requests.REQUESTS}
TIMES = 4


def instructions(workload: str, variant: Variant) -> float:
    """For one callback or request: what doing it several times more adds."""
    once, more = (_counted(workload, variant, times) for times in (1, 1 + TIMES))
    return (more - once) / TIMES / COUNTS[workload]


def _counted(workload: str, variant: Variant, times: int) -> int:
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable]
    process = subprocess.run(
        [*command, "-m", "tests.benchmarks.worker", workload, variant.name, "5"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        input=b"\n" * times,
        capture_output=True,
        check=True,
    )
    found = COUNTED.search(process.stderr)
    if found is None:
        raise RuntimeError(process.stderr.decode())
    return int(found[1])


def lines(workload: str) -> Iterator[str]:
    bare = instructions(workload, BARE)
    yield f"{workload}, {BARE.name}: {bare:,.0f} instructions"
    for variant in (SAMPLING, TRACING):
        counted = instructions(workload, variant)
        yield f"{workload}, {variant.name}: {counted - bare:+,.0f}, {counted / bare:.3f} × bare"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=COUNTS)
    arguments = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is not installed (on Debian and Ubuntu: apt install valgrind)")
    with database():
        for workload in [arguments.only] if arguments.only else COUNTS:
            for line in lines(workload):
                print(line, flush=True)


if __name__ == "__main__":
    main()
