"""The demo as a person or a script runs it: one command, its output, its exit code, and nothing left behind."""

import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, STDOUT

import pytest

from testproject.demo.ports import LOOPBACK, any_free, is_free
from testproject.mistakes import ALL_MISTAKES, HOLDS_A_THREAD
from tests.support.children import Child, is_running, run

ENDS_WITHIN_S = 120
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds child processes through /proc")


def demo_command(data_dir: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "testproject.demo", "--data", str(data_dir), *options]


@pytest.fixture
def demo(data_dir: Path) -> Iterator[Child]:
    """A demo that is sending traffic."""
    command = demo_command(data_dir, "--seconds", "60", "--port", str(any_free()))
    with Child(command, stdout=PIPE, stderr=STDOUT) as running:
        assert running.stdout
        for line in running.stdout:
            if "sending it traffic" in line:
                break
        yield running
        if running.poll() is None:
            running.terminate()
            running.communicate(timeout=ENDS_WITHIN_S)


def children_of(process_id: int) -> dict[int, str]:
    """The command lines of the child processes, by process id."""
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    return {int(child): Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ") for child in children}


@pytest.mark.timeout(600)
def test_the_demo_finds_every_mistake_and_no_twin(data_dir, real_time):
    """Where other processes have the CPUs, a call may stay unnamed however often it is made; then it says so."""
    for attempt in real_time.runs():
        port = any_free()
        ended = run(demo_command(data_dir, "--exit", "--seconds", "6", "--port", str(port)), within_s=ENDS_WITHIN_S)
        assert is_free(port)
        assert ended.stderr == ""
        if ended.returncode == 0:
            assert f"All {len(ALL_MISTAKES)} mistakes were found" in ended.stdout
            assert f"    {HOLDS_A_THREAD.function}\n" in ended.stdout.partition("Thread waits")[2]
            attempt.exact()
        elif "a corrected twin was found" in ended.stdout:
            attempt.false(ended.stdout)
        else:
            assert "This is not as it should be" in ended.stdout
            attempt.short(ended.stdout)


@needs_proc
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_demo_and_its_children(demo, number, code):
    children = children_of(demo.pid)
    assert len(children) == 2

    demo.send_signal(number)
    demo.communicate(timeout=ENDS_WITHIN_S)

    assert demo.returncode == code
    assert not [child for child in children if is_running(child)]


@needs_proc
def test_a_child_that_dies_is_reported_with_its_last_words(demo):
    children = children_of(demo.pid)
    daphne = next(child for child, command in children.items() if "daphne" in command)

    os.kill(daphne, signal.SIGKILL)
    output, _ = demo.communicate(timeout=ENDS_WITHIN_S)

    assert demo.returncode == 1
    assert "Daphne ended with exit code -9" in output
    assert re.search(r"The end of .*daphne\.log:\n .*", output)
    assert "Traceback" not in output
    assert not [child for child in children if is_running(child)]


def test_a_taken_port_is_refused_in_words(data_dir):
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        command = demo_command(data_dir, "--port", str(port))
        ended = run(command, within_s=ENDS_WITHIN_S)

    assert ended.returncode == 2
    assert f"Port {port} cannot be used" in ended.stderr
