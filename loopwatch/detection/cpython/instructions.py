"""The instructions of a code object, each with its role and its place in the source.

Pure and cached. An instruction that does two things becomes two.
"""

import dis
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any, NamedTuple

from loopwatch.detection.cpython.opcodes import ROLES, Role


class Place(NamedTuple):
    """The place of an expression in the source: lines from 1, columns from 0 in UTF-8 bytes."""

    lineno: int
    column: int
    end_lineno: int
    end_column: int

    @property
    def start(self) -> tuple[int, int]:
        return self.lineno, self.column

    @property
    def end(self) -> tuple[int, int]:
        return self.end_lineno, self.end_column


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. Its ``role`` is ``None`` if its opcode is not known; ``is_target`` if a jump may lead to it."""

    offset: int
    name: str
    role: Role | None
    arg: int | None
    value: Any
    symbol: str
    """The operator of an operation, or the special method that is loaded."""
    place: Place | None
    is_target: bool


@functools.lru_cache(maxsize=64)
def instructions_of(code: CodeType) -> tuple[Instruction, ...]:
    """Return the instructions, cached: a stall needs several, and disassembling a long function takes milliseconds."""
    return tuple(single for each in dis.get_instructions(code) for single in _one_by_one(each))


def index_at(instructions: Sequence[Instruction], offset: int) -> int | None:
    """Return the index of the instruction at ``offset``, which may lie in its inline caches."""
    found = None
    for index, instruction in enumerate(instructions):
        if instruction.offset > offset:
            break
        found = index
    if found is not None and instructions[found].name == "PRECALL":
        return found + 1  # on 3.11 a specialised PRECALL makes the call itself
    return found


def _one_by_one(instruction: dis.Instruction) -> Iterator[Instruction]:
    single = Instruction(
        offset=instruction.offset,
        name=instruction.opname,
        role=ROLES.get(instruction.opname),
        arg=instruction.arg,
        value=instruction.argval,
        symbol=instruction.argrepr,
        place=_place_of(instruction),
        is_target=instruction.is_jump_target,
    )
    if single.role is Role.LOADS_PAIR:
        first, second = single.value
        yield replace(single, role=Role.LOADS_LOCAL, value=first)
        yield replace(single, role=Role.LOADS_LOCAL, value=second, place=None, is_target=False)
    elif single.role is Role.STORES_AND_LOADS:
        stored, loaded = single.value
        yield replace(single, role=Role.OTHER, value=stored)
        yield replace(single, role=Role.LOADS_LOCAL, value=loaded, place=None, is_target=False)
    else:
        yield single


def _place_of(instruction: dis.Instruction) -> Place | None:
    positions = instruction.positions
    if positions is None:
        return None
    start, end = (positions.lineno, positions.col_offset), (positions.end_lineno, positions.end_col_offset)
    return None if None in start + end else Place(*start, *end)  # type: ignore[arg-type]
