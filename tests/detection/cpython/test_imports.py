"""The module that an import loads is read from a frame of the import machinery."""

import importlib
import sys

import pytest

from loopwatch.detection.cpython.imports import FINDS_MODULE, imported_in

WANTED = "shop_of_this_test.views"


class Finder:
    """Notes the frames of each import of a module that nobody has."""

    def __init__(self):
        self.stacks = []

    def find_spec(self, name, _path, _target=None):
        if name in ("shop_of_this_test", WANTED):
            self.stacks.append(stack())


def stack():
    frames, frame = [], sys._getframe()
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


@pytest.fixture
def finder(monkeypatch):
    finder = Finder()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    return finder


def outermost(frames):
    return next(frame for frame in reversed(frames) if frame.f_code.co_name == FINDS_MODULE)


@pytest.mark.parametrize(
    "run",
    [importlib.import_module, __import__, lambda name: exec(f"import {name}")],
    ids=["by name", "in C", "by statement"],
)
def test_the_module_that_is_asked_for_is_known_while_its_package_is_imported(run, finder):
    with pytest.raises(ModuleNotFoundError):
        run(WANTED)
    assert imported_in(outermost(finder.stacks[0])) == WANTED


def test_a_function_of_that_name_elsewhere_imports_nothing():
    namespace = {"__name__": "shop", "sys": sys}
    exec(f"def {FINDS_MODULE}(name): return sys._getframe()", namespace)
    assert imported_in(namespace[FINDS_MODULE]("json")) == ""


def test_a_frame_that_a_debugger_traces_is_not_read(finder):
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(WANTED)
    frame = outermost(finder.stacks[0])
    frame.f_trace = lambda *_: None
    assert imported_in(frame) == ""
