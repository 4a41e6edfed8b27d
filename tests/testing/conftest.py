"""Runs pytest on a test file, as a project with the plugin would."""

import json
from pathlib import Path

import pytest

# Imported before pytest runs in this process: it forgets the modules that were first imported meanwhile.
import loopwatch.testing.pytest_session  # noqa: F401
from tests.support.witness import Witness

ROOT = Path(__file__).resolve().parent.parent.parent
ASYNCIO, ANYIO = "pytest_asyncio.plugin", "anyio.pytest_plugin"
DISTURBED = "caused by the machine, not attributed to any test"
LIKELY = "(the call is likely"

PREAMBLE = """
import asyncio
import time

import pytest

STALL_S = {stall_s}


def back_off():
    time.sleep(STALL_S)

"""


class Project:
    """Runs pytest in a folder with ``test_shop.py``, whose ``back_off()`` takes no time.

    Its threshold is so high that no step reaches it on a busy machine.
    """

    stall_s = 0.0
    threshold = "loopwatch_threshold_ms = 60000"

    def __init__(self, pytester):
        self._pytester = pytester
        self.path = pytester.path
        self.ini()

    def ini(self, text=""):
        threshold = "" if "loopwatch_threshold_ms" in text else self.threshold
        self._pytester.makeini(f"[pytest]\nfilterwarnings = error\n{threshold}\n{text}")

    def tests(self, source):
        (self.path / "test_shop.py").write_text(PREAMBLE.format(stall_s=self.stall_s) + source, encoding="utf-8")

    def run(self, *arguments, plugins=(ASYNCIO,)):
        """Run pytest in this process, with no other plugins than these."""
        return self._pytester.runpytest_inprocess(*self._command(plugins), *arguments)

    def run_in_new_process(self, *arguments, plugins=(ASYNCIO,)):
        """Run pytest in a process where nothing is imported yet, and no Django is set up."""
        return self._pytester.runpytest_subprocess(*self._command(plugins), *arguments, timeout=120)

    def configure(self, *arguments):
        """Let the plugin read the options and the ini file. Raises ``pytest.UsageError``."""
        return self._pytester.parseconfigure("-p", "loopwatch.pytest_plugin", *arguments)

    def found(self, name="found.json", channel="findings"):
        return json.loads((self.path / name).read_text(encoding="utf-8"))[channel]

    def _command(self, plugins):
        chosen = [argument for plugin in ("loopwatch.pytest_plugin", *plugins) for argument in ("-p", plugin)]
        if ASYNCIO in plugins:
            chosen += ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]
        return chosen


class StallingProject(Project):
    """Has a ``back_off()`` that blocks for longer than the threshold, and checks its disturbed runs."""

    stall_s = 0.15
    threshold = ""

    def __init__(self, pytester, real_time):
        super().__init__(pytester)
        self._real_time = real_time

    def run(self, *arguments, plugins=(ASYNCIO,)):
        for run in self._real_time.runs():
            with Witness() as witness:
                result = super().run(*arguments, plugins=plugins)
            if LIKELY in result.stdout.str():
                run.inexact(witness, "A call is only likely")
            else:
                account_for(run, DISTURBED in result.stdout.str(), witness)
        return result

    def run_in_new_process(self, *arguments, plugins=(ASYNCIO,)):
        """Trust the process's own output, because the kernel's figures end with it."""
        for run in self._real_time.runs():
            result = super().run_in_new_process(*arguments, plugins=plugins)
            doubts = [doubt for doubt in (DISTURBED, LIKELY) if doubt in result.stdout.str()]
            run.disturbed(doubts[0]) if doubts else run.exact()
        return result


def account_for(run, has_disturbances, witness):
    """Accept a stall that is attributed to the machine only if the kernel's figures show a disturbance."""
    if not has_disturbances:
        run.exact()
    elif witness.saw_disturbance:
        run.disturbed(str(witness))
    else:
        run.false("A stall is said to be the machine's doing, and the machine did nothing")


@pytest.fixture
def isolated(monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def project(pytester, isolated):
    return Project(pytester)


@pytest.fixture
def stalling_project(pytester, real_time, isolated):
    return StallingProject(pytester, real_time)
