"""Runs the plugins of ``tests.support`` in a pytest of its own."""

import sys

import pytest

from tests.support.children import ROOT, Child


@pytest.fixture
def inner_pytest(tmp_path, monkeypatch):
    """Starts pytest on the source of a test file, with one of the plugins and a limit for its tests."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)

    def start(plugin, source, *, limit_s=60, before="pass"):
        (tmp_path / "test_it.py").write_text(source, encoding="utf-8")
        arguments = ["-p", f"tests.support.{plugin}", "-p", "no:cacheprovider", "-o", f"timeout={limit_s}", "-rA"]
        begin = f"{before}; import sys, pytest; sys.exit(pytest.main({arguments!r}))"
        return Child([sys.executable, "-c", begin], log=tmp_path / "pytest.log", cwd=tmp_path)

    return start
