"""Finds the module that an import without a statement of its own loads, such as ``importlib.import_module(name)``.

The import machinery keeps the name in a variable:
https://github.com/python/cpython/blob/v3.13.0/Lib/importlib/_bootstrap.py
"""

from types import FrameType

from loopwatch.detection.cpython.frame_marks import is_traced
from loopwatch.detection.cpython.frames import forget_locals, locals_of
from loopwatch.detection.cpython.namespaces import module_name
from loopwatch.detection.cpython.sites import IMPORT_MODULES

FINDS_MODULE = "_find_and_load"
BEGINS_IMPORT = frozenset({FINDS_MODULE, "_gcd_import"})
"""The functions by which an import enters the machinery, unless it is one of a submodule, or a reload."""


def imported_in(frame: FrameType) -> str:
    """Return the module that a frame of ``_find_and_load`` imports; ``""`` for any other frame."""
    if module_name(frame.f_globals) not in IMPORT_MODULES or is_traced(frame):
        return ""
    variables = locals_of(frame)
    try:
        name = variables.get("name")
        return name if type(name) is str else ""
    finally:
        forget_locals(frame, variables)
