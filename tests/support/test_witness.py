"""Whether a process and those it started were kept from a CPU."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.witness import Witness

SHARING_A_CPU = """
import os, subprocess, sys
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
burn = "import time, sys\\nwhile time.process_time() < 0.3: pass\\nprint(flush=True); sys.stdin.read()"
children = [subprocess.Popen([sys.executable, "-c", burn], stdout=subprocess.PIPE, stdin=sys.stdin) for _ in range(2)]
for child in children:
    child.stdout.readline()
print("burnt", flush=True)
for child in children:
    child.wait()
"""


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="This kernel does not count it")
def test_it_sees_that_the_children_of_a_process_waited_for_a_cpu():
    with subprocess.Popen(
        [sys.executable, "-c", SHARING_A_CPU], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        with Witness(child.pid) as witness:
            assert child.stdout.readline() == b"burnt\n"
        child.stdin.close()
    assert witness.waited_for_cpu_s > 0.2  # each of the two needs 0.3 s of the same CPU
    assert witness.saw_disturbance
