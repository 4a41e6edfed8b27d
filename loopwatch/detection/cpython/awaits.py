"""Finds the call whose result a suspended coroutine is waiting for. Pure and cached."""

import functools
from types import CodeType

from loopwatch.detection.cpython.bytecode import call_at
from loopwatch.detection.cpython.expressions import Expression
from loopwatch.detection.cpython.instructions import index_at, instructions_of

_AWAITING = frozenset(
    {"SEND", "YIELD_VALUE", "RESUME", "JUMP_BACKWARD_NO_INTERRUPT"}
    | {"LOAD_CONST", "LOAD_COMMON_CONSTANT", "PUSH_NULL", "NOP", "CACHE"}
)
"""After ``GET_AWAITABLE``, an ``await`` compiles to a loop of these:
https://github.com/python/cpython/blob/v3.14.0/Python/codegen.c (``codegen_add_yield_from``)."""


@functools.lru_cache(maxsize=1024)
def awaited_at(code: CodeType, offset: int) -> Expression | None:
    """Return the function whose result the ``await`` at ``offset`` waits for; ``None`` for anything else."""
    instructions = instructions_of(code)
    index = index_at(instructions, offset)
    if index is None:
        return None
    while index > 0 and instructions[index].name in _AWAITING:
        index -= 1
    if instructions[index].name != "GET_AWAITABLE":
        return None
    call = call_at(code, instructions[index - 1].offset)
    return call.function if call is not None else None
