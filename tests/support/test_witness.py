"""Whether a process and those it started were kept from a CPU."""

import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.support.children import Child
from tests.support.witness import Witness

SHARING_A_CPU = '''
import os, subprocess, sys
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
burn = """
import sys, time
sys.stdin.readline()
end = time.process_time() + 0.3
while time.process_time() < end:
    pass
print(flush=True)
sys.stdin.read()
"""
pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
children = [subprocess.Popen([sys.executable, "-c", burn], **pipes) for _ in range(2)]
for child in children:
    print(file=child.stdin, flush=True)
for child in children:
    child.stdout.readline()
print("burnt", flush=True)
for child in children:
    child.wait()
'''


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="This kernel does not count it")
def test_it_sees_that_the_children_of_a_process_waited_for_a_cpu():
    with (
        Child([sys.executable, "-c", SHARING_A_CPU], stdin=PIPE, stdout=PIPE) as child,
        Witness(child.pid) as witness,
    ):
        assert child.stdout.readline() == "burnt\n"
    assert witness.waited_for_cpu_s > 0.2  # each of the two needs 0.3 s of the same CPU
    assert witness.saw_disturbance
