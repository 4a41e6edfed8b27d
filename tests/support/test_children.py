import subprocess
import sys

import pytest

from tests.support.children import Child, is_running, run
from tests.support.waiting import wait_until

STARTS_ANOTHER = """
import pathlib, subprocess, sys, time
another = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1]).write_text(str(another.pid) + "\\n")
time.sleep(600)
"""


def is_written(file):
    return file.exists() and file.read_text().endswith("\n")


def test_a_child_is_killed_with_all_that_it_has_started(tmp_path):
    file = tmp_path / "started"
    with Child([sys.executable, "-c", STARTS_ANOTHER, file]) as child:
        wait_until(lambda: is_written(file))
        assert child.poll() is None
    assert child.returncode
    wait_until(lambda: not is_running(int(file.read_text())))


def test_a_child_has_no_input_and_no_terminal():
    asks = "import os, sys; print(repr(sys.stdin.read()), os.getsid(0) == os.getpid())"
    assert run([sys.executable, "-c", asks]).stdout == "'' True\n"


def test_a_command_that_takes_too_long_is_killed_with_all_that_it_has_started(tmp_path, monkeypatch):
    file = tmp_path / "started"

    communicate = Child.communicate

    def communicate_later(child, timeout=None):
        """Start the time limit when the other process has been started."""
        wait_until(lambda: is_written(file))
        return communicate(child, timeout=timeout)

    monkeypatch.setattr(Child, "communicate", communicate_later)
    with pytest.raises(subprocess.TimeoutExpired):
        run([sys.executable, "-c", STARTS_ANOTHER, file], within_s=0.1)
    wait_until(lambda: not is_running(int(file.read_text())))


FAILS = """
import sys
from tests.support.children import Child, run

def test_it(tmp_path):
    run([sys.executable, "-c", "print('the words of', 'a command')"])
    with Child([sys.executable, "-c", "print('the words of', 'a server')"], log=tmp_path / "log") as child:
        child.wait()
        raise ValueError

def test_another():
    raise ValueError
"""


def test_a_test_that_fails_shows_what_its_children_printed_and_no_other(inner_pytest):
    with inner_pytest("children", FAILS) as child:
        child.wait(60)
    assert child.output().count("the words of a command") == 1
    assert child.output().count("the words of a server") == 1
