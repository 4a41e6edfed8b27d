"""Decides whose code a file is: the site's, the standard library's, a package's, or plumbing of the loop."""

import functools
import os
import site
import sys
import sysconfig
from enum import Enum
from types import CodeType

from loopwatch import _version
from loopwatch.detection.cpython.namespaces import file_of_module
from loopwatch.detection.cpython.site_packages import packages_of_site


class Owner(Enum):
    IN_APP = "in-app"
    STANDARD_LIBRARY = "standard library"
    PACKAGE = "package"
    PLUMBING = "plumbing"
    GENERATED = "generated"
    """Made from text while the site runs (templates, named tuples, dataclasses, ``exec``), so in no Python file."""


# These run between the loop and the code of the site or a library. They are never to blame.
PLUMBING_MODULES = ("asyncio", "asgiref", "uvloop", "nest_asyncio", "loopwatch", "selectors", "contextvars")
PLUMBING_FUNCTIONS = frozenset({"concurrent.futures.thread", "runpy", "_pyrepl"})
_TYPED_IN = ("<stdin", "<console", "<ipython-input", "<python-input", "<doctest")

_OWN_PACKAGE_DIRECTORY = os.path.dirname(os.path.abspath(_version.__file__)) + os.sep  # noqa: PTH120, PTH100


def _directories() -> tuple[tuple[str, ...], tuple[str, ...]]:
    paths = sysconfig.get_paths()
    packages = {paths["purelib"], paths["platlib"], *site.getsitepackages(), site.getusersitepackages()}
    standard = {paths["stdlib"], paths["platstdlib"], os.path.dirname(os.__file__)}  # noqa: PTH120
    both = []
    for directories in (packages, standard):
        real = {os.path.realpath(directory) for directory in directories}
        both.append(tuple(sorted({directory + os.sep for directory in directories | real}, key=len, reverse=True)))
    return both[0], both[1]


_PACKAGES, _STANDARD = _directories()


def owner_of_file(filename: str) -> Owner:
    """Return the owner of a file by its path alone."""
    return _owner_of_file(filename, packages_of_site())


@functools.lru_cache(maxsize=4096)
def _owner_of_file(filename: str, of_site: tuple[str, ...]) -> Owner:
    if filename.startswith(_OWN_PACKAGE_DIRECTORY):
        return Owner.PLUMBING
    if filename.startswith("<frozen "):
        return Owner.STANDARD_LIBRARY
    below_packages = _below_packages(filename)
    if below_packages:
        parts = f"{below_packages.removesuffix('.py').replace(os.sep, '.')}."
        return Owner.IN_APP if any(parts.startswith(f"{name}.") for name in of_site) else Owner.PACKAGE
    if filename.startswith(_STANDARD):
        return Owner.STANDARD_LIBRARY
    return Owner.IN_APP


def _below_packages(filename: str) -> str:
    """Return the part of a path below the directory with the packages; ``""`` if it lies in none."""
    for name in ("site-packages", "dist-packages"):
        _, found, below = filename.rpartition(f"{os.sep}{name}{os.sep}")
        if found:
            return below
    directory = next(filter(filename.startswith, _PACKAGES), None)
    return "" if directory is None else filename.removeprefix(directory)


def owner_of(code: CodeType, module: str) -> Owner:
    """Return the owner of a frame's code: by its module's name if that is plumbing, otherwise by its file."""
    if module.partition(".")[0] in PLUMBING_MODULES and not module.startswith("loopwatch."):
        return Owner.PLUMBING
    if module in PLUMBING_FUNCTIONS:
        return Owner.PLUMBING
    owner = owner_of_file(code.co_filename)
    if owner is not Owner.IN_APP:
        return owner
    if is_template(code, module):
        return Owner.GENERATED
    if code.co_filename.startswith("<"):
        return _owner_without_file(code.co_filename, module)
    return owner


def is_template(code: CodeType, module: str) -> bool:
    """Return whether the code was compiled from a template, whose globals are no module's, like Jinja's.

    https://github.com/pallets/jinja/blob/3.1.6/src/jinja2/environment.py
    """
    filename = code.co_filename
    if module or not filename or filename.endswith(".py"):
        return False
    return filename == "<template>" or not filename.startswith("<")


def package_of(owner: Owner, module: str) -> str:
    """Return the name of a library, within which a chain of calls counts as the call that entered it."""
    return "" if owner is Owner.STANDARD_LIBRARY else module.partition(".")[0]


def _owner_without_file(filename: str, module: str) -> Owner:
    """Return the owner of code that was typed in or generated: a library, if the code runs in its globals.

    The module of a program given on the command line (``python -c``) has no file either.
    """
    file = file_of_module(module)
    if filename.startswith(_TYPED_IN) or (module == "__main__" and not file):
        return Owner.IN_APP
    if not file:
        return Owner.STANDARD_LIBRARY if module in sys.stdlib_module_names else Owner.GENERATED
    owner = owner_of_file(file)
    return Owner.GENERATED if owner is Owner.IN_APP else owner
