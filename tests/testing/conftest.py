"""Runs pytest on a test file, in a process of its own, as a project would that has the plugin."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ASYNCIO, ANYIO = "pytest_asyncio.plugin", "anyio.pytest_plugin"

MAX_RUNS = 10
DISTURBED = "the machine's doing, so no test is blamed"

PREAMBLE = """
import asyncio
import time

import pytest

STALL_S = 0.4


def back_off():
    time.sleep(STALL_S)

"""


class Project:
    """A folder with ``test_shop.py``, and pytest to run over it."""

    def __init__(self, pytester):
        self._pytester = pytester
        self.path = pytester.path
        self.ini()

    def ini(self, text=""):
        self._pytester.makeini(f"[pytest]\nfilterwarnings = error\n{text}")

    def tests(self, source):
        (self.path / "test_shop.py").write_text(PREAMBLE + source, encoding="utf-8")

    def run(self, *arguments, plugins=(ASYNCIO,)):
        """With no other plugins than these. A run counts only if the machine let it have its CPUs."""
        chosen = [argument for plugin in plugins for argument in ("-p", plugin)]
        if ASYNCIO in plugins:
            chosen += ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]
        for _ in range(MAX_RUNS):
            result = self._pytester.runpytest_subprocess(
                "-p", "loopwatch.pytest_plugin", *chosen, *arguments, timeout=120
            )
            if DISTURBED not in result.stdout.str():
                break
        return result

    def found(self, name="found.json"):
        return json.loads((self.path / name).read_text(encoding="utf-8"))["findings"]


@pytest.fixture
def project(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return Project(pytester)
