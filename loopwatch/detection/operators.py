"""Operators that may take long in C while they keep the GIL, and that offer it to nobody when they are done.

When the GIL was kept for long and such an operator stands just before the call that the sample shows, the time may have
been the operator's. The instructions say which are certainly quick: those with a small constant on the right.
"""

from loopwatch.detection.instructions import Instruction
from loopwatch.detection.opcodes import Role

# Not ``+``, which would have to copy hundreds of megabytes.
_ARITHMETIC = frozenset({"-", "*", "/", "//", "%", "@", "<<", "&", "|", "^"})
_POWER = "**"
_SMALL_OPERAND = 1000
_SMALL_EXPONENT = 10
_WITH_OPERANDS = frozenset({"COMPARE_OP", "CONTAINS_OP", "LIST_EXTEND", "SET_UPDATE", "DICT_UPDATE"})
_UNKNOWN = object()
_ALWAYS = frozenset({"DELETE_FAST", "DELETE_NAME", "DELETE_SUBSCR", "BINARY_SLICE", "STORE_SLICE"})


def may_take_long(instruction: Instruction, before: Instruction | None) -> bool:
    """Whether ``instruction``, which follows ``before``, is an operation that can take milliseconds."""
    if instruction.role is None:
        return True
    if instruction.name in _ALWAYS:
        return True
    right = before.value if before is not None and before.role is Role.LOADS_CONSTANT else _UNKNOWN
    if instruction.name in _WITH_OPERANDS:
        return right is _UNKNOWN
    if is_subscript(instruction) or instruction.name == "STORE_SUBSCR":
        return isinstance(right, slice) or (before is not None and before.name == "BUILD_SLICE")
    if instruction.name != "BINARY_OP":
        return False
    operator = instruction.symbol.removesuffix("=")
    if operator == _POWER:
        return not _is_small(right, _SMALL_EXPONENT)
    return operator in _ARITHMETIC and not _is_small(right, _SMALL_OPERAND)


def is_subscript(instruction: Instruction) -> bool:
    """Whether it is ``x[y]``, which has been an operator since Python 3.14."""
    return instruction.role is Role.SUBSCRIPT or (instruction.name == "BINARY_OP" and instruction.symbol == "[]")


def _is_small(operand: object, limit: int) -> bool:
    return isinstance(operand, int | float) and abs(operand) <= limit
