"""Reads from bytecode what an instruction calls, as a small expression over names and attributes.

Pure and cached: the same code object and offset give the same answer. Positions in the source (PEP 657) show where the
expression of a callable begins. What the reader does not know for certain is ``Unknown``.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from types import CodeType, FunctionType
from typing import NamedTuple

from loopwatch.detection.cpython.expressions import (
    Attribute,
    Constant,
    Expression,
    Item,
    Name,
    New,
    Result,
    Scope,
    SpecialMethod,
    SuperAttribute,
    Unknown,
)
from loopwatch.detection.cpython.instructions import Instruction, index_at, instructions_of
from loopwatch.detection.cpython.opcodes import HAS_LAZY_IMPORTS, PUSHES_NULL_AFTER_CALLABLE, Role
from loopwatch.detection.cpython.operators import is_subscript, may_take_long


@dataclass(frozen=True, slots=True)
class Call:
    """A call of ``function``. It ``is_certain`` if no operation since the last offer of the GIL can take long.

    ``after`` is the function that was called just before. Python code may have ended with such an operation.
    """

    function: Expression
    is_certain: bool
    after: Expression


_SCOPES = {Role.LOADS_LOCAL: Scope.LOCAL, Role.LOADS_GLOBAL: Scope.GLOBAL, Role.LOADS_ANY: Scope.ANY}
_BUILT: dict[str, type] = {"BUILD_LIST": list, "BUILD_TUPLE": tuple, "BUILD_SET": set, "BUILD_MAP": dict}
_ENTER = {"BEFORE_WITH": "__enter__", "BEFORE_ASYNC_WITH": "__aenter__"}
_EXIT = {"BEFORE_WITH": "__exit__", "BEFORE_ASYNC_WITH": "__aexit__"}
EXIT_METHODS = frozenset(_EXIT.values())
_EXIT_ARGUMENTS = 3
"""Without an exception, a ``with`` statement ends by a call with this many arguments, all of them ``None``."""
_SUPER = Result(Name("super", Scope.GLOBAL))

# Between a callable and a call with * or **, these gather the arguments, at the position of the whole call.
_GATHERING = frozenset({Role.BUILDS, Role.OPERATION, Role.LOADS_CONSTANT, Role.NOTHING, Role.OTHER})
_LOADS_LAZILY = frozenset({Role.LOADS_GLOBAL, Role.LOADS_ANY, Role.LOADS_ATTRIBUTE})
_CALLED_QUIETLY = frozenset({"len", "isinstance", "type", "append"})
"""Once a call of these is specialised, the GIL is not offered after it, as in ``CALL_LEN``:
https://github.com/python/cpython/blob/v3.13.0/Python/bytecodes.c"""
_RETURNS = frozenset({"RETURN_VALUE", "RETURN_CONST"})
_RESUMES_RESULT = frozenset({"GET_AWAITABLE", "GET_ITER", "GET_YIELD_FROM_ITER"})


@functools.lru_cache(maxsize=4096)
def call_at(code: CodeType, offset: int) -> Call | None:
    """Return the call that the instruction at ``offset`` makes; ``None`` if it makes none."""
    instructions = instructions_of(code)
    index = index_at(instructions, offset)
    if index is None:
        return None
    function = _called_by(instructions, index)
    if function is not None and any(each.role is None for each in instructions):
        function = Unknown()  # on a later Python, the instructions that are known may mean something else
    if function is None:
        return None
    before = _before(instructions, index)
    after = Unknown() if before.call is None else _value_that_begins(instructions, before.call)
    return Call(function, before.doubtful is None, after)


@functools.lru_cache(maxsize=4096)
def operation_before(code: CodeType, offset: int) -> int | None:
    """Return the offset of an operation before ``offset`` that may have kept the GIL until then."""
    instructions = instructions_of(code)
    index = index_at(instructions, offset)
    doubtful = None if index is None else _before(instructions, index, is_resumed=True).doubtful
    return None if doubtful is None else instructions[doubtful].offset


@functools.lru_cache(maxsize=4096)
def may_end_late(code: CodeType) -> bool:
    """Return whether a function may return just after an operation that takes long, without offering the GIL."""
    instructions = instructions_of(code)
    ends = (index for index, each in enumerate(instructions) if each.name in _RETURNS)
    return any(_before(instructions, end).doubtful is not None for end in ends)


@functools.lru_cache(maxsize=4096)
def imported_at(code: CodeType, offset: int) -> str | None:
    """Return the module that the instruction at ``offset`` imports; ``None`` if it is no import."""
    instructions = instructions_of(code)
    index = index_at(instructions, offset)
    if index is None or instructions[index].role is not Role.IMPORTS:
        return None
    return str(instructions[index].value)


@functools.lru_cache(maxsize=4096)
def lazily_loaded_at(code: CodeType, offset: int) -> Expression | None:
    """Return what the instruction at ``offset`` loads; ``None`` if that cannot be a lazy import."""
    instructions = instructions_of(code)
    index = index_at(instructions, offset)
    if index is None or not HAS_LAZY_IMPORTS:
        return None
    instruction = instructions[index]
    if instruction.name == "IMPORT_FROM":
        return Attribute(Unknown(), str(instruction.value))
    return _value_at(instructions, index) if instruction.role in _LOADS_LAZILY else None


@functools.lru_cache(maxsize=1024)
def iterated_by(generator: CodeType, code: CodeType) -> Expression:
    """Return what the generator expression ``generator`` goes over, as the function that contains it says."""
    instructions = instructions_of(code)
    made = next((index for index, each in enumerate(instructions) if each.value is generator), None)
    if made is None:
        return Unknown()
    for index in range(made + 1, len(instructions)):
        each = instructions[index]
        if each.role is Role.CALL and each.place == instructions[made].place:
            quiet = takewhile(lambda before: before.role is Role.NOTHING, reversed(instructions[:index]))
            last = index - 1 - len(list(quiet))
            is_iterated = instructions[last].role is Role.ITERATES  # before Python 3.14
            return _iterable_of(instructions, last) if is_iterated else _value_before(instructions, index)
    return Unknown()


@functools.lru_cache(maxsize=4096)
def is_entry(code: CodeType, offset: int) -> bool:
    """Return whether a frame at ``offset`` has only just been entered."""
    instructions = instructions_of(code)
    index = index_at(instructions, offset)
    return index is not None and instructions[index].name == "RESUME" and instructions[index].arg == 0


def _called_by(instructions: Sequence[Instruction], index: int) -> Expression | None:
    """Return what the instruction at ``index`` calls; ``None`` if it calls nothing."""
    instruction = instructions[index]
    match instruction.role:
        case Role.CALL if _leaves_with(instructions, index):
            return _exit_method(instructions, index)
        case Role.CALL:
            return _value_that_begins(instructions, index)
        case Role.ENTERS_WITH:
            return SpecialMethod(_value_before(instructions, index), _ENTER[instruction.name])
        case Role.FAILS_WITH:
            return _exit_method(instructions, index)
        case Role.ITERATES:
            return SpecialMethod(_iterable_of(instructions, index), "__iter__")
        case Role.NEXT:
            return SpecialMethod(_iterable_of_loop(instructions, index), "__next__")
        case None:
            return Unknown()  # it may well call something
        case _:
            return None


def _value_that_begins(instructions: Sequence[Instruction], last: int) -> Expression:
    """Return the value whose expression begins where that of ``last`` does: the callable, or what is subscripted."""
    place, gathers = instructions[last].place, instructions[last].name == "CALL_FUNCTION_EX"
    for index in range(last - 1, -1, -1):
        each = instructions[index]
        if place is None:
            break
        if each.place is None or each.place.start != place.start:
            continue
        if gathers and each.place == place and each.role in _GATHERING:
            continue
        if each.role is Role.NOTHING and not (each.name == "PUSH_NULL" and PUSHES_NULL_AFTER_CALLABLE):
            continue
        if each.role is Role.LOADS_CONSTANT and index == last - 1:
            continue  # the names of keywords
        return _value_before(instructions, index) if each.role is Role.NOTHING else _value_at(instructions, index)
    return Unknown()


def _value_before(instructions: Sequence[Instruction], index: int) -> Expression:
    """Return the value on top of the stack as the instruction at ``index`` begins."""
    while not instructions[index].is_target:  # if a jump leads here, the value may come from elsewhere
        index -= 1
        if index < 0:
            break
        if instructions[index].role is not Role.NOTHING:
            return _value_at(instructions, index)
    return Unknown()


def _value_at(instructions: Sequence[Instruction], index: int) -> Expression:
    """Return the value that the instruction at ``index`` has pushed."""
    instruction = instructions[index]
    match instruction.role:
        case Role.LOADS_LOCAL | Role.LOADS_GLOBAL | Role.LOADS_ANY as role:
            return Name(str(instruction.value), _SCOPES[role])
        case Role.LOADS_ATTRIBUTE:
            of = _value_before(instructions, index)
            return SuperAttribute(str(instruction.value)) if of == _SUPER else Attribute(of, str(instruction.value))
        case Role.LOADS_SUPER:
            return SuperAttribute(str(instruction.value))
        case Role.LOADS_SPECIAL:
            return SpecialMethod(_manager_before(instructions, index), instruction.symbol)
        case Role.CALL:
            return Result(_value_that_begins(instructions, index))
        case Role.LOADS_CONSTANT:
            return Constant(instruction.value)
        case Role.BUILDS:
            return New(_BUILT.get(instruction.name, str))
        case Role.MAKES_FUNCTION:
            return New(FunctionType)
        case Role.SUBSCRIPT | Role.OPERATION if is_subscript(instruction):
            return Item(_value_that_begins(instructions, index), _value_before(instructions, index))
        case _:
            return Unknown()


def _leaves_with(instructions: Sequence[Instruction], call: int) -> bool:
    """Return whether the call ends a ``with`` statement: its arguments have the position of the statement."""
    place = instructions[call].place
    found = 0
    for index in range(call - 1, -1, -1):
        each = instructions[index]
        if each.role is Role.NOTHING:
            continue
        if each.role is not Role.LOADS_CONSTANT or each.value is not None or each.place != place:
            break
        found += 1
    return place is not None and found == _EXIT_ARGUMENTS


def _exit_method(instructions: Sequence[Instruction], leaving: int) -> Expression:
    """Return the special method that leaves the ``with`` statement of the instruction at ``leaving``."""
    place = instructions[leaving].place
    entered = [
        index
        for index in range(leaving)
        if place is not None and instructions[index].place == place and _enters_with(instructions[index])
    ]
    if len(entered) != 1:
        return Unknown()  # on 3.11, all managers of one statement have its position
    index = entered[0]
    if instructions[index].role is Role.LOADS_SPECIAL:
        return _value_at(instructions, index)
    return SpecialMethod(_value_before(instructions, index), _EXIT[instructions[index].name])


def _enters_with(instruction: Instruction) -> bool:
    is_exit_loaded = instruction.role is Role.LOADS_SPECIAL and instruction.symbol in EXIT_METHODS
    return instruction.role is Role.ENTERS_WITH or is_exit_loaded


def _manager_before(instructions: Sequence[Instruction], index: int) -> Expression:
    """Return the context manager whose special methods are loaded from copies on the stack."""
    while index > 0 and instructions[index - 1].role in (Role.SHUFFLES, Role.LOADS_SPECIAL, Role.NOTHING):
        index -= 1
    return _value_before(instructions, index)


def _iterable_of_loop(instructions: Sequence[Instruction], loop: int) -> Expression:
    """Return what a loop goes over: its iterator was made just before the loop."""
    for index in range(loop - 1, -1, -1):
        each = instructions[index]
        if each.role is Role.ITERATES:
            return _iterable_of(instructions, index)
        if each.role in (Role.LOADS_LOCAL, Role.LOADS_ATTRIBUTE):
            return _value_at(instructions, index)  # a generator expression is given its iterator
        if each.role not in (Role.SHUFFLES, Role.BUILDS, Role.NOTHING):
            break
    return Unknown()


def _iterable_of(instructions: Sequence[Instruction], index: int) -> Expression:
    """Return the iterable of ``GET_ITER``. What a comprehension pushes in between has its position."""
    place = instructions[index].place
    while index > 0 and instructions[index - 1].role in (Role.SHUFFLES, Role.BUILDS):
        if instructions[index - 1].place == place:
            break
        index -= 1
    return _value_before(instructions, index)


class _Before(NamedTuple):
    """What came before an instruction since the GIL was offered: a long operation, or the call that offered it."""

    doubtful: int | None = None
    call: int | None = None


def _before(instructions: Sequence[Instruction], index: int, *, is_resumed: bool = False) -> _Before:
    """Return the operation that may have taken long since the interpreter last offered the GIL.

    If ``is_resumed``, a call just before may have made a generator or a coroutine. That offers the GIL only afterwards,
    as its code begins.
    """
    gathered_at = instructions[index].place if instructions[index].name == "CALL_FUNCTION_EX" else None
    for earlier in range(index - 1, -1, -1):
        each = instructions[earlier]
        if each.role is Role.CALL:
            makes_generator = is_resumed and instructions[earlier + 1].name in _RESUMES_RESULT
            if not makes_generator and not _is_called_quietly(instructions, earlier):
                return _Before(call=earlier)
        elif each.role is Role.OFFERS_GIL:
            break
        elif gathered_at is not None and each.place == gathered_at:
            continue  # gathers arguments, of which there are few
        if may_take_long(instructions, earlier):
            return _Before(doubtful=earlier)
    return _Before()


def _is_called_quietly(instructions: Sequence[Instruction], call: int) -> bool:
    function = _value_that_begins(instructions, call)
    return isinstance(function, Name | Attribute) and function.name in _CALLED_QUIETLY
