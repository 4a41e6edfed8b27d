"""Runs the plugins of ``tests.support`` in a separate pytest."""

import json
import sys

import pytest

from tests.support.children import ROOT, Child
from tests.support.real_time import JSON_PATH

PLUGINS = ("-p", "tests.support.real_time", "-p", "tests.support.real_time_tests")


@pytest.fixture
def inner_pytest(tmp_path, monkeypatch):
    """Starts pytest on the source of a test file, with one of the plugins and a limit for its tests."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)

    def start(plugin, source, *, limit_s=60, before="pass", options=()):
        (tmp_path / "test_it.py").write_text(source, encoding="utf-8")
        plugins = ["-p", f"tests.support.{plugin}", "-p", "pytest_timeout", "-p", "no:cacheprovider"]
        arguments = [*plugins, "-o", f"timeout={limit_s}", "-rA", *options]
        begin = f"{before}; import sys, pytest; sys.exit(pytest.main({arguments!r}))"
        return Child([sys.executable, "-c", begin], log=tmp_path / "pytest.log", cwd=tmp_path)

    return start


@pytest.fixture
def session(pytester, monkeypatch):
    """Run pytest over these tests with the plugins of the real-time tests; the result, and what the JSON file says."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(JSON_PATH, str(pytester.path / "real_time.json"))

    def run(tests, *arguments):
        pytester.makepyfile(test_cases=tests)
        result = pytester.runpytest_inprocess(*PLUGINS, "-o", "markers=real_time", "--strict-markers", *arguments)
        written = pytester.path / "real_time.json"
        return result, json.loads(written.read_text(encoding="utf-8")) if written.exists() else None

    return run
