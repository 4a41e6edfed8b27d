"""What a case is: a coroutine function, and what is true about it."""

import inspect
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from loopwatch.detection.calls import BlockingCall, Cause

MARKER = "# blocks"
"""Marks the lines that a report of the case may name."""
TASK_NAME = "the case"
OWN_FUNCTION = "the function that blocks"
"""As a culprit: the user's own function, where the time is its own or CPython does not tell which call took it."""
THREADS = ("main", "other")
LOOPS = ("asyncio", "uvloop")


@dataclass(frozen=True, slots=True)
class Blocked:
    """One stall as its case has measured it. ``is_in_step``: both clocks were read within the step that blocked."""

    started_at: float
    duration_ms: float
    is_in_step: bool

    @property
    def ended_at(self) -> float:
        return self.started_at + self.duration_ms / 1000

    def is_told_by(self, report: BlockingCall) -> bool:
        """Whether the step that is reported holds most of the stall, or the stall most of the step."""
        started_at = report.started_at.timestamp()
        ended_at = started_at + report.step_ms / 1000
        shared_ms = (min(ended_at, self.ended_at) - max(started_at, self.started_at)) * 1000
        return shared_ms > min(report.step_ms, self.duration_ms) / 2


class Truth:
    """How long the loop was really blocked: ``with truth:`` stands around whatever blocks, once for every stall."""

    def __init__(self) -> None:
        self.blocked: list[Blocked] = []
        self._started_at = 0.0
        self._started = 0.0

    def begin(self) -> None:
        self._started_at = time.time()
        self._started = time.perf_counter()

    def end(self, *, is_in_step: bool = True) -> None:
        duration_ms = (time.perf_counter() - self._started) * 1000
        self.blocked.append(Blocked(self._started_at, duration_ms, is_in_step))

    def end_in_another_step(self) -> None:
        self.end(is_in_step=False)

    def __enter__(self) -> None:
        self.begin()

    def __exit__(self, *_: object) -> None:
        self.end()


@dataclass(frozen=True, slots=True)
class Expected:
    """What every report of a case must say.

    ``culprits``: any of these names is right. ``cause``: ``None`` where the machine decides. ``exact``: ``None`` where
    it is chance whether the sample leaves a doubt. ``where``: the function, as a qualified name within its module, that
    has the marked line; empty if there is none. ``is_anywhere``: the report may name any line of it, as it may where it
    is not exact. ``tasks``: the names of the tasks, one a stall; the last one counts for the rest, and ``None`` for
    whatever the loop makes up.
    """

    culprits: tuple[str, ...]
    cause: Cause | None
    where: str
    exact: bool | None = True
    is_c: bool | None = None
    contributions: tuple[str, ...] = ()
    is_anywhere: bool = False
    tasks: tuple[str, ...] | None = (TASK_NAME,)

    def task(self, number: int) -> str:
        """The name of the task of that stall."""
        assert self.tasks is not None
        return self.tasks[min(number, len(self.tasks) - 1)]


@dataclass(frozen=True, slots=True)
class Case:
    """``given`` makes what the case needs, before anybody watches; its value is the coroutine's second argument.

    ``expected`` is ``None`` for code that blocks nothing. ``around``: the watch begins before the loop does and ends
    after it, and the case is the loop's main coroutine. ``is_slow_under_load``: it also starts
    a thread or a process, which waits for a CPU. ``known_limit`` says why no report of it can be relied on.
    """

    function: Callable[..., Coroutine[Any, Any, None]]
    expected: Expected | None
    given: Callable[[], AbstractContextManager[Any]] = nullcontext
    since: tuple[int, int] = (3, 11)
    threads: tuple[str, ...] = THREADS
    loops: tuple[str, ...] = LOOPS
    around: bool = False
    is_slow_under_load: bool = False
    known_limit: str = ""

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

    def blocks(self, *culprits: str, cause: Cause | None, where: str | None = None, **about: Any) -> Callable[..., Any]:
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
