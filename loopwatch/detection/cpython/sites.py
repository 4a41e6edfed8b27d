"""Sites of frames, and which frames belong to the machinery around the watched code.

Modules of loopwatch whose frames need a rule register themselves here, so that renaming one cannot break the rule.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, TypeVar

from loopwatch.detection.cpython.callees import Callee
from loopwatch.detection.cpython.templates import Template

IMPORT_MODULES = frozenset({"importlib._bootstrap", "_frozen_importlib"})
"""The name of the import machinery's module, after and before ``importlib`` has been imported."""
_ASYNCIO_RUNNERS = {
    "asyncio.events": ("_run",),
    "asyncio.base_events": ("run_forever", "run_until_complete"),
    "asyncio.runners": ("run",),
}
_runners = {
    id(function.__code__): function.__code__
    for function in (asyncio.Handle._run, asyncio.BaseEventLoop.run_forever)  # noqa: SLF001
    if hasattr(function, "__code__")
}
"""By id, because hashing a code object reads all of it. A ``watch()`` block may begin in a step that asyncio called."""
_collector_callbacks: set[str] = set()
_monitor_modules: set[str] = set()
_tracer_packages: tuple[str, ...] = ()

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Site:
    """The place where a frame stood.

    ``imports`` is the module whose import the frame runs, unless its code names that, and ``template`` the template
    that it renders. ``resolver`` has returned the GraphQL field that is completed, the outermost one. ``mark`` is the
    frame's mark (``frame_marks``): frames with different marks are different calls.
    """

    code: CodeType
    offset: int
    module: str
    callee: Callee | None = None
    imports: str = ""
    template: Template | None = None
    resolver: str = ""
    mark: int | None = field(default=None, compare=False)


def runs_steps(function: Function) -> Function:
    """Decorate a function of loopwatch that calls a step: stacks are followed no further out than its frame."""
    _runners[id(function.__code__)] = function.__code__
    return function


def register_collector_callback(module: str) -> None:
    """Name a module whose code the garbage collector calls in the middle of the code that allocates."""
    _collector_callbacks.add(module)


def register_monitor(module: str) -> None:
    """Name a module whose calls in a step are loopwatch's work, and not the step's."""
    _monitor_modules.add(module)


def register_tracer(package: str) -> None:
    """Name a package whose code the interpreter calls in the middle of the code that is traced."""
    global _tracer_packages  # noqa: PLW0603
    _tracer_packages = (*_tracer_packages, f"{package}.")


def is_where_steps_begin(code: CodeType, module: str) -> bool:
    """Return whether a frame is one of those between the loop and the step it runs."""
    return id(code) in _runners or code.co_name in _ASYNCIO_RUNNERS.get(module, ())


def step_runners() -> dict[int, CodeType]:
    """Return the code in whose frames steps begin, by its id."""
    return _runners


def is_collector_callback(module: str) -> bool:
    return module in _collector_callbacks


def is_monitor(module: str) -> bool:
    return module in _monitor_modules


def is_tracer(module: str) -> bool:
    return module.startswith(_tracer_packages)
