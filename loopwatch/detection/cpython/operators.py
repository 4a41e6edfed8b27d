"""Finds operators that may keep the GIL for long in C and do not offer it afterwards.

If the GIL was kept for long and such an operator stands just before the call that the sample shows, the time may have
been the operator's. An operator with a small constant on its right is certainly quick.
"""

from collections.abc import Sequence

from loopwatch.detection.cpython.instructions import Instruction
from loopwatch.detection.cpython.opcodes import Role

# Not ``+``, which would have to copy hundreds of megabytes.
_ARITHMETIC = frozenset({"-", "*", "/", "//", "%", "@", "<<", "&", "|", "^"})
_POWER = "**"
_SMALL_OPERAND = 1000
_SMALL_EXPONENT = 10
_SMALL_SLICE = 1000
_WITHOUT_STEP = 2
_WITH_OPERANDS = frozenset({"COMPARE_OP", "CONTAINS_OP", "LIST_EXTEND", "SET_UPDATE", "DICT_UPDATE"})
_ALWAYS = frozenset({"DELETE_FAST", "DELETE_NAME", "DELETE_SUBSCR", "STORE_SLICE"})
_UNKNOWN = object()


def may_take_long(instructions: Sequence[Instruction], index: int) -> bool:
    """Return whether the instruction at ``index`` can take milliseconds, or is not known."""
    instruction = instructions[index]
    if instruction.role is None or instruction.name in _ALWAYS:
        return True
    right = _constant_at(instructions, index - 1)
    if instruction.name in _WITH_OPERANDS:
        return right is _UNKNOWN
    if instruction.name == "STORE_SUBSCR":
        return _makes_slice(instructions, index - 1)
    if instruction.name == "BINARY_SLICE":
        return not _is_small_stop(right)
    if is_subscript(instruction):
        if _makes_slice(instructions, index - 1):
            return instructions[index - 1].arg != _WITHOUT_STEP or not _is_small_stop(
                _constant_at(instructions, index - 2)
            )
        return isinstance(right, slice) and not _is_small_stop(right.stop)
    return instruction.name == "BINARY_OP" and _is_slow_operator(instruction.symbol.removesuffix("="), right)


def is_subscript(instruction: Instruction) -> bool:
    """Return whether the instruction is ``x[y]``, which is an operator from Python 3.14 on."""
    return instruction.role is Role.SUBSCRIPT or (instruction.name == "BINARY_OP" and instruction.symbol == "[]")


def _is_slow_operator(operator: str, right: object) -> bool:
    if operator == _POWER:
        return not _is_small(right, _SMALL_EXPONENT)
    return operator in _ARITHMETIC and not _is_small(right, _SMALL_OPERAND)


def _constant_at(instructions: Sequence[Instruction], index: int) -> object:
    """Return the constant that the instruction loads, or ``_UNKNOWN``."""
    is_constant = index >= 0 and instructions[index].role is Role.LOADS_CONSTANT
    return instructions[index].value if is_constant else _UNKNOWN


def _makes_slice(instructions: Sequence[Instruction], index: int) -> bool:
    return index >= 0 and instructions[index].name == "BUILD_SLICE"


def _is_small_stop(stop: object) -> bool:
    """Return whether a slice that ends at ``stop`` has few items."""
    return isinstance(stop, int) and 0 <= stop <= _SMALL_SLICE


def _is_small(operand: object, limit: int) -> bool:
    return isinstance(operand, int | float) and abs(operand) <= limit
