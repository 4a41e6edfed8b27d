"""Runs a case: on a chosen loop, in a chosen thread, while somebody watches."""

import asyncio
import importlib.util
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

from tests.detection.catalogue import (
    called_indirectly,
    computing,
    computing_collections,
    computing_loops,
    eager_tasks,
    generators,
    interpreter,
    lazy_imports,
    roads,
    silence,
    steps,
    waiting,
    waiting_for_files,
    waiting_for_threads,
    without_a_name,
)
from tests.detection.catalogue.case import TASK_NAME, Case, Truth
from tests.detection.catalogue.peers import another_thread
from tests.support.witness import Witness

THEMES = (
    *(waiting, waiting_for_files, waiting_for_threads, computing, computing_collections, computing_loops),
    *(interpreter, without_a_name, called_indirectly, lazy_imports, roads, eager_tasks, generators, steps, silence),
)
CASES: tuple[Case, ...] = tuple(case for theme in THEMES for case in theme.catalogue.cases if case.runs_here)
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
if importlib.util.find_spec("uvloop") is not None:
    import uvloop

    LOOPS["uvloop"] = uvloop.new_event_loop

RUNS_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """What is true about a run. ``waited_for_cpu_s``: how long threads of this process could have run but were not."""

    truth: Truth
    waited_for_cpu_s: float


def run_case(case: Case, watcher: AbstractContextManager[Any], loop: str, thread: str) -> Run:
    """Run it to its end under ``watcher`` and tell how long it really blocked. Raises what the case raises."""
    truth, witness = Truth(), Witness()
    with another_thread(), case.given() as given:
        _in_thread(thread, lambda: _run(case, given, truth, (watcher, witness), LOOPS[loop]))
    return Run(truth, witness.waited_for_cpu_s)


def _run(
    case: Case,
    given: object,
    truth: Truth,
    observers: Sequence[AbstractContextManager[Any]],
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    if case.around and not any(getattr(observer, "needs_running_loop", False) for observer in observers):
        with _all_of(observers), asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(case.run(truth, given))
    else:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_watched(case, given, truth, observers))


async def _watched(case: Case, given: object, truth: Truth, observers: Sequence[AbstractContextManager[Any]]) -> None:
    with _all_of(observers):
        if case.around:
            await case.run(truth, given)
        else:
            await asyncio.create_task(case.run(truth, given), name=TASK_NAME)


def _all_of(observers: Sequence[AbstractContextManager[Any]]) -> ExitStack:
    with ExitStack() as stack:
        for observer in observers:
            stack.enter_context(observer)
        return stack.pop_all()


def _in_thread(thread: str, run: Callable[[], None]) -> None:
    if thread == "main":
        run()
        return
    errors: list[BaseException] = []

    def run_and_keep_error() -> None:
        try:
            run()
        except BaseException as error:
            errors.append(error)

    other = threading.Thread(target=run_and_keep_error, daemon=True)
    other.start()
    other.join(RUNS_WITHIN_S)
    assert not other.is_alive(), f"The case did not end within {RUNS_WITHIN_S} s"
    if errors:
        raise errors[0]
