import re
from pathlib import Path

import pytest

from tests.support.children import is_running
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds what is left through /proc")

LEAVES_EVERYTHING = """
import pathlib, socket, subprocess, sys, tempfile
from tests.support import leftovers
leftovers.ENDS_WITHIN_S = 0.1

def test_one():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])

def test_other():
    subprocess.run(["/bin/sh", "-c", "sleep 601 >/dev/null 2>&1 &"])

def test_it():
    sys.kept = socket.create_server(("127.0.0.1", 0))
    pathlib.Path("left").write_text(tempfile.mkdtemp(suffix="left"))
"""
SAID = [
    r"process \d+: .*sleep\(600\) \(started in test_it.py::test_one \(call\)\)",
    r"process \d+: .*sleep 601.* \(started in test_it.py::test_other \(call\)\)",
    r"port \d+, which this process listens on",
    r"file or folder /\S+left",
    ".*3 passed.*",
]


@pytest.mark.parametrize("options", [(), ("-p", "xdist", "-n1")], ids=["alone", "xdist"])
def test_a_run_that_leaves_something_behind_fails_says_what_and_removes_it(inner_pytest, tmp_path, options):
    with inner_pytest("leftovers", LEAVES_EVERYTHING, options=options) as child:
        assert child.wait(60) == pytest.ExitCode.TESTS_FAILED, child.output()
    pytest.LineMatcher(child.output().splitlines()).re_match_lines_random(SAID)
    assert not Path((tmp_path / "left").read_text()).parent.exists()
    killed = re.findall(r"process (\d+): ", child.output())
    assert len(killed) == 2
    wait_until(lambda: not any(map(is_running, killed)))


def test_a_run_that_leaves_nothing_passes(inner_pytest):
    source = (
        "import subprocess\n\ndef test_it(tmp_path):\n    subprocess.run(['true'])\n    (tmp_path / 'file').touch()\n"
    )
    with inner_pytest("leftovers", source) as child:
        assert child.wait(60) == 0, child.output()
    assert "left behind" not in child.output()
