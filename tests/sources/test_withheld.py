"""No line of a settings file is stored or shown."""

import importlib
import json
import sys
from itertools import count
from pathlib import Path
from types import ModuleType

import pytest

from loopwatch.detection.calls import StackFrame
from loopwatch.models import BlockingEvent
from loopwatch.recorder import stacks
from loopwatch.sources.running import line_of, lines_of
from loopwatch.sources.withheld import is_withheld
from loopwatch.testing.failure_text import terminal_text
from loopwatch.testing.finding import stalls_in
from tests import settings as settings_module
from tests.recorder.calls import blocking_call

SETTINGS = settings_module.__file__
SECRET_LINENO = 1 + Path(SETTINGS).read_text().splitlines().index('SECRET_KEY = "tests only"')
SECRET_LINE = {"filename": SETTINGS, "lineno": SECRET_LINENO, "source": '"tests only"'}
OBJECT_AS_SETTINGS = """
import sys

class Settings:
    def __init__(self, module):
        self.module = module

    def __getattr__(self, name):
        return getattr(self.module, name)

sys.modules[__name__] = Settings(sys.modules[__name__])
"""
_numbers = count()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a function that makes a project of these files, with the given settings module."""
    modules = set(sys.modules)

    def make(settings, files):
        name = f"project_{next(_numbers)}"
        for path, text in files.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", f"{name}.{settings}")
        importlib.import_module(f"{name}.{settings}")
        return tmp_path / name

    yield make
    for name in set(sys.modules) - modules:
        if name.startswith("project_"):
            del sys.modules[name]


def withheld_in(folder):
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*.py") if is_withheld(str(file))}


def test_the_settings_module_is_withheld():
    assert is_withheld(SETTINGS)
    assert not is_withheld(__file__)


def test_in_app_imports_of_the_settings_are_withheld(project):
    files = {
        "conf.py": "import json\nfrom .local_secrets import KEY\nfrom . import hosts\n",
        "local_secrets.py": "KEY = 1",
        "hosts.py": "from .names import NAMES",
        "names.py": "NAMES = []",
        "views.py": "from .conf import KEY",
    }
    assert withheld_in(project("conf", files)) == {"conf.py", "local_secrets.py", "hosts.py"}
    assert not is_withheld(json.__file__)


def test_settings_that_import_a_module_whose_attributes_raise_are_withheld(project, monkeypatch):
    class Odd(ModuleType):
        def __getattr__(self, name):
            raise RuntimeError(name)

    monkeypatch.setitem(sys.modules, "odd_module", Odd("odd_module"))
    assert withheld_in(project("conf", {"conf.py": "import odd_module"})) == {"conf.py"}


def test_settings_that_replace_their_module_by_an_object_are_withheld(project):
    assert withheld_in(project("conf", {"conf.py": OBJECT_AS_SETTINGS})) == {"conf.py"}


def test_star_imports_are_followed_and_withheld(project):
    files = {
        "production.py": "from .staging import *",
        "staging.py": "from .common import *\nDEBUG = False",
        "common.py": "from . import keys",
        "keys.py": "KEY = 1",
    }
    assert withheld_in(project("production", files)) == {*files}


def test_all_files_in_and_below_a_settings_package_are_withheld(project):
    files = {
        "settings/__init__.py": "",
        "settings/live.py": "import pathlib; exec(pathlib.Path(__file__.replace('live', 'parts')).read_text())",
        "settings/parts.py": "KEY = 1",
        "settings/components/database.py": "PASSWORD = 1",
        "settings_page.py": "",
        "views.py": "",
    }
    assert withheld_in(project("settings.live", files)) == {*files} - {"views.py", "settings_page.py"}


def test_a_link_to_the_settings_is_withheld(tmp_path):
    (tmp_path / "link.py").symlink_to(SETTINGS)
    assert is_withheld(str(tmp_path / "link.py"))


@pytest.mark.parametrize("text", ["KEY = (", pytest.param(f"KEY = {'-' * 100_000}1", id="nested too deep")])
def test_settings_that_python_can_no_longer_read_are_withheld(project, text):
    folder = project("conf", {"conf.py": "KEY = 1"})
    (folder / "conf.py").write_text(text)
    assert withheld_in(folder) == {"conf.py"}


@pytest.mark.parametrize("named", ["", "no.such.module"])
def test_no_file_is_withheld_without_settings(monkeypatch, named):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", named)
    assert not is_withheld(SETTINGS)


@pytest.mark.parametrize("filename", ["", "<string>", "nul\0.py", "x" * 5_000])
def test_a_name_that_is_not_a_file_is_not_withheld(filename):
    assert not is_withheld(filename)


@pytest.fixture
def gone_folder(tmp_path, monkeypatch):
    """The current folder is deleted, as by a deployment that removes the release that still runs."""
    folder = tmp_path / "release"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()


@pytest.mark.usefixtures("gone_folder")
def test_a_relative_path_is_withheld_where_the_current_folder_is_gone():
    assert is_withheld("settings.py")
    assert not is_withheld(__file__)


@pytest.mark.usefixtures("gone_folder")
def test_a_stall_of_a_relative_path_is_recorded_where_the_current_folder_is_gone(recorder_of, database):
    recorder = recorder_of()
    recorder.put(blocking_call(filename="of_a_gone_release.py", source="f()"))
    assert recorder.flush(30)
    stored = [(event.filename, event.source) for event in BlockingEvent.objects.all()]
    assert stored == [("of_a_gone_release.py", "")]


def test_lines_of_withheld_files_are_not_read():
    assert lines_of(SETTINGS) == []
    assert line_of(SETTINGS, SECRET_LINENO) == ""
    assert line_of(__file__, 1).startswith('"""')


def test_lines_of_withheld_files_are_not_stored_with_a_stack():
    frame = StackFrame(SETTINGS, "tests.settings", "<module>", SECRET_LINENO, is_in_app=True)
    assert "tests only" not in str(stacks.encode(blocking_call(stack=(frame,))))


def test_lines_of_withheld_files_go_to_no_sink(recorder_of, database):
    called = []
    recorder = recorder_of(sinks=("database",), on_blocking_call=called.append)
    recorder.put(blocking_call(**SECRET_LINE))
    assert recorder.flush(30)
    assert [(event.source, event.finding.source) for event in BlockingEvent.objects.all()] == [("", "")]
    assert [call.source for call in called] == [""]


def test_lines_of_withheld_files_are_not_in_the_failure_of_a_test():
    frame = StackFrame(SETTINGS, "tests.settings", "<module>", SECRET_LINENO, SECRET_LINENO, 13, 25, is_in_app=True)
    found = stalls_in("test_it", "call", [blocking_call(stack=(frame,), **SECRET_LINE)])
    assert found[0].source == ""
    account = terminal_text(found, 50.0)
    assert f"tests/settings.py:{SECRET_LINENO}" in account
    assert "tests only" not in account
