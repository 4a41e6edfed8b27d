"""What an instruction calls, as far as the bytecode tells: a small expression over names and attributes.

Pure and cached: the same code object and offset give the same answer. Knows CPython 3.11 to 3.13.
"""

import dis
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from types import CodeType

from loopwatch.detection.operators import may_take_long


class Scope(Enum):
    LOCAL = auto()
    GLOBAL = auto()
    ANY = auto()


@dataclass(frozen=True, slots=True)
class Name:
    name: str
    scope: Scope

    @property
    def text(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Attribute:
    of: "Expression"
    name: str

    @property
    def text(self) -> str:
        return f"{self.of.text}.{self.name}" if self.of.text else ""


@dataclass(frozen=True, slots=True)
class SuperAttribute:
    name: str

    @property
    def text(self) -> str:
        return f"super().{self.name}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a call returned."""

    of: "Expression"

    @property
    def text(self) -> str:
        return f"{self.of.text}()" if self.of.text else ""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the source, of which only the type matters."""

    type: type

    @property
    def text(self) -> str:
        return self.type.__name__


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value computed in a way that names nothing: it has no text."""

    text: str = ""


Expression = Name | Attribute | SuperAttribute | Result | Literal | Unknown


@dataclass(frozen=True, slots=True)
class Call:
    """A call of ``function``. ``is_certain``: nothing before it, since the interpreter last offered the GIL to other
    threads, can take long."""

    function: Expression
    is_certain: bool


_SCOPES = {
    "LOAD_GLOBAL": Scope.GLOBAL,
    "LOAD_NAME": Scope.ANY,
    "LOAD_FAST": Scope.LOCAL,
    "LOAD_FAST_CHECK": Scope.LOCAL,
    "LOAD_FAST_LOAD_FAST": Scope.LOCAL,
    "STORE_FAST_LOAD_FAST": Scope.LOCAL,
    "LOAD_DEREF": Scope.LOCAL,
    "LOAD_CLASSDEREF": Scope.ANY,
    "LOAD_FROM_DICT_OR_GLOBALS": Scope.ANY,
    "LOAD_FROM_DICT_OR_DEREF": Scope.ANY,
}
_BUILDS: dict[str, type] = {
    "BUILD_STRING": str,
    "FORMAT_VALUE": str,
    "FORMAT_SIMPLE": str,
    "BUILD_LIST": list,
    "BUILD_TUPLE": tuple,
    "BUILD_MAP": dict,
    "BUILD_SET": set,
}
_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_CALLS = frozenset({"CALL", "CALL_KW", "CALL_FUNCTION_EX"})
_IMPLICIT_CALLS = {"BEFORE_WITH": "__enter__", "FOR_ITER": "__next__", "GET_ITER": "__iter__"}
_LOADS = frozenset(_SCOPES) | _ATTRIBUTES | _CALLS | {"LOAD_SUPER_ATTR"}
_SKIPPED = frozenset({"NOP", "PUSH_NULL", "PRECALL", "EXTENDED_ARG", "CACHE", "KW_NAMES", "COPY_FREE_VARS"})

# After these the interpreter hands the GIL over if somebody has asked for it.
_OFFERS_GIL = frozenset({*_CALLS, "RESUME", "JUMP_BACKWARD", "YIELD_VALUE", "SEND"})


@functools.lru_cache(maxsize=64)
def _instructions(code: CodeType) -> tuple[dis.Instruction, ...]:
    """Disassembling a long function takes milliseconds, and a stall asks for several of its instructions."""
    return tuple(dis.get_instructions(code))


@functools.lru_cache(maxsize=4096)
def call_at(code: CodeType, offset: int) -> Call | None:
    """The call that the instruction at ``offset`` makes; ``None`` when it makes none."""
    instructions = _instructions(code)
    index = _index_at(instructions, offset)
    if index is None:
        return None
    instruction = instructions[index]
    if instruction.opname in _CALLS:
        function = _callable_of(instructions, index)
    elif instruction.opname in _IMPLICIT_CALLS:
        receiver = _iterable_of(instructions, index) if instruction.opname == "FOR_ITER" else index - 1
        function = Attribute(_expression_at(instructions, receiver), _IMPLICIT_CALLS[instruction.opname])
    else:
        return None
    return Call(function, _is_certain(instructions, index))


@functools.lru_cache(maxsize=4096)
def imported_at(code: CodeType, offset: int) -> str | None:
    """The module that the instruction at ``offset`` imports, if it is an import."""
    instructions = _instructions(code)
    index = _index_at(instructions, offset)
    if index is None or instructions[index].opname != "IMPORT_NAME":
        return None
    return str(instructions[index].argval)


@functools.lru_cache(maxsize=4096)
def is_entry(code: CodeType, offset: int) -> bool:
    """Whether a frame that stands at ``offset`` has only just been entered."""
    instructions = _instructions(code)
    index = _index_at(instructions, offset)
    return index is not None and instructions[index].opname == "RESUME" and instructions[index].arg == 0


def _index_at(instructions: Sequence[dis.Instruction], offset: int) -> int | None:
    """The instruction at ``offset``, which may lie in its inline caches."""
    found = None
    for index, instruction in enumerate(instructions):
        if instruction.offset > offset:
            break
        found = index
    if found is not None and instructions[found].opname == "PRECALL":
        return found + 1  # on 3.11 a specialised PRECALL makes the call itself
    return found


def _callable_of(instructions: Sequence[dis.Instruction], call: int) -> Expression:
    """A call begins where the expression of its callable does, so the last load from there has loaded the callable."""
    start = _start_of(instructions[call])
    if start is not None:
        for index in range(call - 1, -1, -1):
            instruction = instructions[index]
            is_load = instruction.opname in _LOADS
            if is_load and _start_of(instruction) == start:
                return _expression_at(instructions, index)
    return Unknown()


def _iterable_of(instructions: Sequence[dis.Instruction], loop: int) -> int:
    for index in range(loop - 1, -1, -1):
        if instructions[index].opname == "GET_ITER":
            return index - 1
    return -1


def _expression_at(instructions: Sequence[dis.Instruction], index: int) -> Expression:
    """The expression whose value the instruction at ``index`` has pushed."""
    while index >= 0 and instructions[index].opname in _SKIPPED:
        index -= 1
    if index < 0:
        return Unknown()
    instruction = instructions[index]
    name = instruction.opname
    if name in _SCOPES:
        loaded = instruction.argval
        return Name(loaded[-1] if isinstance(loaded, tuple) else str(loaded), _SCOPES[name])
    if name in _ATTRIBUTES:
        of = _expression_at(instructions, index - 1)
        if of == Result(Name("super", Scope.GLOBAL)):
            return SuperAttribute(str(instruction.argval))
        return Attribute(of, str(instruction.argval))
    if name == "LOAD_SUPER_ATTR":
        return SuperAttribute(str(instruction.argval))
    if name in _CALLS:
        return Result(_callable_of(instructions, index))
    if name == "LOAD_CONST":
        return Literal(type(instruction.argval))
    if name in _BUILDS:
        return Literal(_BUILDS[name])
    return Unknown()


def _is_certain(instructions: Sequence[dis.Instruction], index: int) -> bool:
    for earlier in range(index - 1, -1, -1):
        if instructions[earlier].opname in _OFFERS_GIL:
            return True
        if may_take_long(instructions[earlier], instructions[earlier - 1] if earlier else None):
            return False
    return True


def _start_of(instruction: dis.Instruction) -> tuple[int, int] | None:
    positions = instruction.positions
    if positions is None or positions.lineno is None or positions.col_offset is None:
        return None
    return positions.lineno, positions.col_offset
