"""Finds the Python code that a call or a step is about to run, without running any of it."""

from functools import partial
from types import AsyncGeneratorType, CodeType, CoroutineType, FunctionType, GeneratorType, MethodType
from typing import Any

from loopwatch.detection.timing.steps import task_of
from loopwatch.detection.tracing.timed_code import TimedCode

MAX_AWAITED = 100


class CodeFollower:
    """Has the code that it finds timed, if it is not known yet. On the loop's thread."""

    def __init__(self, timed_code: TimedCode) -> None:
        self._timed_code = timed_code

    def follow_step(self, handle: object) -> None:
        """Time what a step that begins is about to run: the coroutines of its task, or its callback."""
        callback = getattr(handle, "_callback", None)
        task = task_of(callback)
        if task is None:
            self.follow(callback)
            return
        awaited: object = task.get_coro()
        for _ in range(MAX_AWAITED):
            code, awaited = _code_and_awaited(awaited)
            if code is None:
                break
            self._timed_code.time_if_unknown(code)

    def follow(self, function: Any) -> None:
        """Time the code that a call of ``function`` runs, if it is written in Python."""
        kind = type(function)
        if kind is MethodType:
            self.follow(function.__func__)
        elif kind is FunctionType:
            self._timed_code.time_if_unknown(function.__code__)
        elif kind is partial:
            self.follow(function.func)
        elif issubclass(kind, type):
            self._follow_method(function, "__new__")
            self._follow_method(function, "__init__")
        else:
            self._follow_method(kind, "__call__")

    def _follow_method(self, owner: type, name: str) -> None:
        method = next((vars(each)[name] for each in owner.__mro__ if name in vars(each)), None)
        method = method.__func__ if type(method) is staticmethod else method
        if type(method) is FunctionType:
            self._timed_code.time_if_unknown(method.__code__)


def _code_and_awaited(awaited: object) -> tuple[CodeType | None, object]:
    """Return the code of a coroutine or generator, and what it awaits in turn."""
    if type(awaited) is CoroutineType:
        return awaited.cr_code, awaited.cr_await
    if type(awaited) is GeneratorType:
        return awaited.gi_code, awaited.gi_yieldfrom
    if type(awaited) is AsyncGeneratorType:
        return awaited.ag_code, awaited.ag_await
    return None, None
