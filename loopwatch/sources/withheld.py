"""Identifies the files with the site's settings and secrets, no line of which is stored or shown.

These files are the module that ``DJANGO_SETTINGS_MODULE`` names, the in-app modules it imports (``.base``,
``local_secrets``), in-app modules imported in turn through ``import *``, and all files in and below a package whose
name contains ``settings``.
"""

import ast
import os
import sys
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from loopwatch.detection.cpython.code_owner import Owner, owner_of_file
from loopwatch.detection.cpython.namespaces import namespace_of

SETTINGS_MODULE = "DJANGO_SETTINGS_MODULE"
"""The name of Django's variable, spelled out because watching works without Django."""


def is_withheld(filename: str) -> bool:
    """Return whether a file's lines must not be stored or shown. ``filename`` may be relative."""
    settings_module = os.environ.get(SETTINGS_MODULE, "")
    try:
        return settings_module in sys.modules and _is_of(settings_module, filename)
    except OSError:  # the current folder is gone, so a relative path may be that of any file
        return True


@lru_cache(maxsize=4096)
def _is_of(settings_module: str, filename: str) -> bool:
    try:
        path = os.path.realpath(filename)
    except ValueError:  # a NUL
        return False
    return path in _files(settings_module) or path.startswith(_folders(settings_module))


@dataclass(frozen=True, slots=True)
class _Import:
    """Names a module that another one imports, by its full name."""

    name: str
    is_star: bool


@lru_cache(maxsize=8)
def _files(settings_module: str) -> frozenset[str]:
    """Follow imports in ``sys.modules`` alone: once the settings are imported, so are their imports."""
    found: dict[str, None] = {}
    waiting = [_Import(settings_module, is_star=True)]
    while waiting:
        each = waiting.pop()
        path = _path_of(each.name)
        if path and path not in found:
            found[path] = None
            if each.is_star:
                waiting += _imports(path, each.name)
    return frozenset(found)


@lru_cache(maxsize=8)
def _folders(settings_module: str) -> tuple[str, ...]:
    """Return the folders of settings packages, with a separator at the end: tools such as split-settings nest files."""
    package, _, _ = settings_module.rpartition(".")
    packages = [name for name in (settings_module, package) if "settings" in name.rpartition(".")[2]]
    paths = [os.path.realpath(path) for name in packages for path in _attribute(name, "__path__") or ()]
    return tuple(path + os.sep for path in paths)


def _path_of(module: str) -> str:
    filename = str(_attribute(module, "__file__") or "")
    return os.path.realpath(filename) if filename and owner_of_file(filename) is Owner.IN_APP else ""


def _attribute(module: str, name: str) -> Any:
    """Return an attribute of a loaded module, or ``None``.

    Settings may replace their module with an object, which is asked for an attribute that is not in its namespace.
    """
    loaded = sys.modules.get(module)
    found = namespace_of(loaded).get(name)
    if found is None:
        with suppress(Exception, SystemExit):
            found = getattr(loaded, name, None)
    return found


def _imports(path: str, module: str) -> Iterator[_Import]:
    try:
        with tokenize.open(path) as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (_Import(alias.name, is_star=False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, module)
            yield _Import(origin, is_star=node.names[0].name == "*")
            yield from (_Import(f"{origin}.{alias.name}", is_star=False) for alias in node.names)


def _origin(node: ast.ImportFrom, module: str) -> str:
    """Return the full name of the module that an import statement names."""
    if not node.level:
        return node.module or ""
    package = (_attribute(module, "__package__") or "").split(".")
    return ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
