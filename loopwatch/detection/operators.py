"""Operators that may take long in C while they keep the GIL, and that offer it to nobody when they are done.

When the GIL was kept for long and such an operator stands just before the call that the sample shows, the time may have
been the operator's. What is certainly quick is told from the instructions: a small constant on the right.
"""

import dis

# Not ``+``, which would have to copy hundreds of megabytes.
_ARITHMETIC = frozenset({"-", "*", "/", "//", "%", "@", "<<", "&", "|", "^"})
_POWER = "**"
_SMALL_OPERAND = 1000
_SMALL_EXPONENT = 10
_WITH_OPERANDS = frozenset({"BINARY_OP", "COMPARE_OP", "CONTAINS_OP", "LIST_EXTEND", "SET_UPDATE", "DICT_UPDATE"})
_UNKNOWN = object()
_ALWAYS = frozenset({"DELETE_FAST", "DELETE_NAME", "DELETE_SUBSCR", "BINARY_SLICE", "STORE_SLICE"})


def may_take_long(instruction: dis.Instruction, before: dis.Instruction | None) -> bool:
    """Whether ``instruction``, which follows ``before``, is an operation that can take milliseconds."""
    if instruction.opname in _ALWAYS:
        return True
    if instruction.opname not in _WITH_OPERANDS:
        return False
    right = before.argval if before is not None and before.opname == "LOAD_CONST" else _UNKNOWN
    if instruction.opname != "BINARY_OP":
        return right is _UNKNOWN
    operator = instruction.argrepr.removesuffix("=")
    if operator == _POWER:
        return not _is_small(right, _SMALL_EXPONENT)
    return operator in _ARITHMETIC and not _is_small(right, _SMALL_OPERAND)


def _is_small(operand: object, limit: int) -> bool:
    return isinstance(operand, int | float) and abs(operand) <= limit
