import signal
import sys

import pytest

from tests.support.children import ROOT, Child
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the platform has no such signals")

REACTION_OF_A_CHILD = """
import signal, subprocess, sys

def test_it():
    ask = "from signal import *; print(getsignal(SIGINT) is default_int_handler, getsignal(SIGHUP) is SIG_DFL)"
    assert subprocess.check_output([sys.executable, "-c", ask], text=True) == "True True\\n"
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGHUP)
"""


def test_a_child_can_be_interrupted_where_the_run_itself_ignores_that(inner_pytest):
    ignoring = "import signal; [signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGHUP)]"
    with inner_pytest("signals", REACTION_OF_A_CHILD, before=ignoring) as child:
        assert child.wait(60) == 0, child.output()


WAITS = """
import pathlib, time, pytest

@pytest.fixture
def server():
    yield
    pathlib.Path("stopped").touch()

def test_it(server):
    pathlib.Path("waiting").touch()
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_told_to_end_tears_its_fixtures_down(inner_pytest, tmp_path, number):
    with inner_pytest("signals", WAITS) as child:
        wait_until((tmp_path / "waiting").exists)
        child.send_signal(number)
        assert child.wait(60) == pytest.ExitCode.INTERRUPTED, child.output()
    assert (tmp_path / "stopped").exists()


def test_make_test_passes_on_to_its_pytest_that_it_is_told_to_end(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    (tmp_path / "test_it.py").write_text(WAITS)
    command = [sys.executable, "-m", "tests", "-p", "tests.support.signals", "-p", "no:cacheprovider", "-n0"]
    with Child(command, log=tmp_path / "pytest.log", cwd=tmp_path) as child:
        wait_until((tmp_path / "waiting").exists, otherwise=child.output)
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == pytest.ExitCode.INTERRUPTED, child.output()
    assert (tmp_path / "stopped").exists()
