"""What a case is: a coroutine function, and what is true about it."""

import inspect
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from loopwatch.detection.calls import Cause

MARKER = "# blocks"
"""Marks the lines that a report of the case may name."""
TASK_NAME = "the case"
OWN_FUNCTION = "the function that blocks"
"""As a culprit: the user's own function, where the time is its own or CPython does not tell which call took it."""
THREADS = ("main", "other")
LOOPS = ("asyncio", "uvloop")


class Truth:
    """How long the loop was really blocked: ``with truth:`` stands around whatever blocks, once for every stall."""

    def __init__(self) -> None:
        self.durations_ms: list[float] = []
        self._started = 0.0

    def begin(self) -> None:
        self._started = time.perf_counter()

    def end(self) -> None:
        self.durations_ms.append((time.perf_counter() - self._started) * 1000)

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.durations_ms.append((time.perf_counter() - self._started) * 1000)


@dataclass(frozen=True, slots=True)
class Expected:
    """What every report of a case must say.

    ``culprits``: any of these names is right. ``exact``: ``None`` where it is chance whether the sample leaves a doubt.
    ``where``: the function, as a qualified name within its module, that has the marked line; empty if there is none.
    ``is_anywhere``: the report may name any line of it, as it may where it is not exact.
    ``tasks``: the names of the tasks, one a stall; the last one counts for the rest.
    """

    culprits: tuple[str, ...]
    cause: Cause
    where: str
    exact: bool | None = True
    is_c: bool | None = None
    leaf: str | None = None
    called: str | None = None
    contributions: tuple[str, ...] = ()
    is_anywhere: bool = False
    tasks: tuple[str, ...] = (TASK_NAME,)


@dataclass(frozen=True, slots=True)
class Case:
    """``given`` makes what the case needs, before anybody watches; its value is the coroutine's second argument.

    ``expected`` is ``None`` for code that blocks nothing. ``around``: the watch begins before the loop does and ends
    after it, and the case is the loop's main coroutine.
    """

    function: Callable[..., Coroutine[Any, Any, None]]
    expected: Expected | None
    given: Callable[[], AbstractContextManager[Any]] = nullcontext
    since: tuple[int, int] = (3, 11)
    threads: tuple[str, ...] = THREADS
    loops: tuple[str, ...] = LOOPS
    around: bool = False

    @property
    def name(self) -> str:
        return f"{self.theme}.{self.function.__name__}"

    @property
    def theme(self) -> str:
        return self.function.__module__.rpartition(".")[2]

    @property
    def filename(self) -> str:
        return self.function.__code__.co_filename

    @property
    def runs_here(self) -> bool:
        """Whether this Python has what the case is about."""
        return sys.version_info >= self.since

    def run(self, truth: Truth, given: object) -> Coroutine[Any, Any, None]:
        return self.function(truth) if given is None else self.function(truth, given)

    @property
    def own_function(self) -> str:
        """The qualified name that a report must give for the user's own function."""
        assert self.expected is not None
        return f"{self.function.__module__}.{self.expected.where}"

    def lines(self, *, marked: bool) -> dict[int, str]:
        """The lines of the function that blocks, by their number: all of them, or those that a report may name."""
        assert self.expected is not None
        found: Any = inspect.getmodule(self.function)
        for part in self.expected.where.split("."):
            found = vars(found)[part]
        found = getattr(found, "fget", None) or getattr(found, "func", None) or found
        lines, first = inspect.getsourcelines(inspect.unwrap(found))
        return {first + index: line for index, line in enumerate(lines) if MARKER in line or not marked}


@dataclass(slots=True)
class Catalogue:
    """The cases of one theme, in the order they are written."""

    cases: list[Case] = field(default_factory=list)

    def blocks(self, *culprits: str, cause: Cause, where: str | None = None, **about: Any) -> Callable[..., Any]:
        """The decorated function blocks the loop, once or more, and ``culprits`` are to blame.

        ``where`` defaults to the function itself; the other keywords are fields of ``Expected`` and ``Case``.
        """
        expected = {name: about.pop(name) for name in list(about) if name in Expected.__slots__}

        def add(function: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., Coroutine[Any, Any, None]]:
            own = function.__name__ if where is None else where
            self.cases.append(Case(function, Expected(culprits, cause, own, **expected), **about))
            return function

        return add

    def is_silent(self, **about: Any) -> Callable[..., Any]:
        """The decorated function never blocks the loop."""

        def add(function: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., Coroutine[Any, Any, None]]:
            self.cases.append(Case(function, None, **about))
            return function

        return add
