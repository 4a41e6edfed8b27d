"""The opcodes of CPython 3.11 to 3.15, sorted by what they mean to a reader of bytecode.

Every opcode that compiled code may contain is listed, with the versions that have it where that is not all of them. An
opcode that is missing here comes from a later Python: the reader says nothing about such an instruction, nor about a
value that it may have pushed. ``tests/detection/cpython/test_opcodes.py`` compares the table with each interpreter.
"""

import sys
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

KNOWN_UNTIL = (3, 15)
"""The latest version of Python whose opcodes are listed."""

PUSHES_NULL_AFTER_CALLABLE = sys.version_info >= (3, 13)
"""Whether ``PUSH_NULL`` follows the callable that it belongs to: https://github.com/python/cpython/pull/112245"""

HAS_LAZY_IMPORTS = sys.version_info >= (3, 15)
"""Whether loading a name may run the import that stands behind it: https://peps.python.org/pep-0810/"""


class Role(Enum):
    """What an instruction does, as far as it matters for naming what is called."""

    LOADS_LOCAL = auto()
    LOADS_GLOBAL = auto()
    LOADS_ANY = auto()
    """From the first namespace that has the name, as in the body of a class."""
    LOADS_PAIR = auto()
    """Two locals, one after the other; the instruction has the position of the first."""
    STORES_AND_LOADS = auto()
    """One local is stored, then another is loaded; the instruction has the position of the first."""
    LOADS_CONSTANT = auto()
    LOADS_ATTRIBUTE = auto()
    LOADS_SUPER = auto()
    """An attribute of ``super()``."""
    LOADS_SPECIAL = auto()
    """A special method of a type, with the object to call it on."""
    SUBSCRIPT = auto()
    BUILDS = auto()
    """A collection or a string."""
    MAKES_FUNCTION = auto()
    CALL = auto()
    ENTERS_WITH = auto()
    """Looks up the special methods of a context manager and calls the one that enters it."""
    FAILS_WITH = auto()
    """Calls the special method that leaves a context manager, after an exception."""
    ITERATES = auto()
    NEXT = auto()
    IMPORTS = auto()
    OPERATION = auto()
    """Works on its operands in C and may take long: ``operators`` says which does."""
    OFFERS_GIL = auto()
    """Hands the GIL over if another thread has asked for it. Calls do, too."""
    SHUFFLES = auto()
    """Moves values on the stack between an iterator and its loop."""
    NOTHING = auto()
    """Leaves the values of the stack alone."""
    OTHER = auto()
    """Quick, and not part of an expression that is called."""


class _Versions(NamedTuple):
    """The minor versions of Python 3 that have an opcode."""

    since: int = 11
    until: int = KNOWN_UNTIL[1]


_ALL = _Versions()
_TABLE: tuple[tuple[Role, _Versions, str], ...] = (
    (Role.LOADS_LOCAL, _ALL, "LOAD_FAST LOAD_DEREF"),
    (Role.LOADS_LOCAL, _Versions(since=12), "LOAD_FAST_CHECK"),
    (Role.LOADS_LOCAL, _Versions(since=14), "LOAD_FAST_BORROW"),
    (Role.LOADS_PAIR, _Versions(since=13), "LOAD_FAST_LOAD_FAST"),
    (Role.LOADS_PAIR, _Versions(since=14), "LOAD_FAST_BORROW_LOAD_FAST_BORROW"),
    (Role.STORES_AND_LOADS, _Versions(since=13), "STORE_FAST_LOAD_FAST"),
    (Role.LOADS_GLOBAL, _ALL, "LOAD_GLOBAL"),
    (Role.LOADS_ANY, _ALL, "LOAD_NAME"),
    (Role.LOADS_ANY, _Versions(until=11), "LOAD_CLASSDEREF"),
    (Role.LOADS_ANY, _Versions(since=12), "LOAD_FROM_DICT_OR_GLOBALS LOAD_FROM_DICT_OR_DEREF"),
    (Role.LOADS_CONSTANT, _ALL, "LOAD_CONST"),
    (Role.LOADS_CONSTANT, _Versions(since=14), "LOAD_SMALL_INT LOAD_COMMON_CONSTANT"),
    (Role.LOADS_ATTRIBUTE, _ALL, "LOAD_ATTR"),
    (Role.LOADS_ATTRIBUTE, _Versions(until=11), "LOAD_METHOD"),
    (Role.LOADS_SUPER, _Versions(since=12), "LOAD_SUPER_ATTR"),
    (Role.LOADS_SPECIAL, _Versions(since=14), "LOAD_SPECIAL"),
    (Role.SUBSCRIPT, _Versions(until=13), "BINARY_SUBSCR"),  # later a BINARY_OP, written []
    (Role.BUILDS, _ALL, "BUILD_LIST BUILD_MAP BUILD_SET BUILD_STRING BUILD_TUPLE"),
    (Role.BUILDS, _Versions(until=13), "BUILD_CONST_KEY_MAP"),
    (Role.BUILDS, _Versions(until=12), "FORMAT_VALUE"),
    (Role.BUILDS, _Versions(since=13), "FORMAT_SIMPLE FORMAT_WITH_SPEC"),
    (Role.MAKES_FUNCTION, _ALL, "MAKE_FUNCTION"),
    (Role.MAKES_FUNCTION, _Versions(since=13), "SET_FUNCTION_ATTRIBUTE"),
    (Role.CALL, _ALL, "CALL CALL_FUNCTION_EX"),
    (Role.CALL, _Versions(since=13), "CALL_KW"),
    (Role.ENTERS_WITH, _Versions(until=13), "BEFORE_WITH BEFORE_ASYNC_WITH"),  # later LOAD_SPECIAL and CALL
    (Role.FAILS_WITH, _ALL, "WITH_EXCEPT_START"),
    (Role.ITERATES, _ALL, "GET_ITER"),
    (Role.NEXT, _ALL, "FOR_ITER"),
    (Role.IMPORTS, _ALL, "IMPORT_NAME"),
    (Role.OPERATION, _ALL, "BINARY_OP COMPARE_OP CONTAINS_OP LIST_EXTEND SET_UPDATE DICT_UPDATE"),
    (Role.OPERATION, _ALL, "DELETE_FAST DELETE_NAME DELETE_SUBSCR STORE_SUBSCR"),
    (Role.OPERATION, _Versions(since=12), "BINARY_SLICE STORE_SLICE"),
    (Role.OFFERS_GIL, _ALL, "RESUME JUMP_BACKWARD YIELD_VALUE SEND"),
    (
        Role.OFFERS_GIL,
        _Versions(until=11),
        "POP_JUMP_BACKWARD_IF_FALSE POP_JUMP_BACKWARD_IF_TRUE POP_JUMP_BACKWARD_IF_NONE POP_JUMP_BACKWARD_IF_NOT_NONE",
    ),
    (Role.SHUFFLES, _ALL, "COPY SWAP"),
    (Role.SHUFFLES, _Versions(since=12), "LOAD_FAST_AND_CLEAR"),
    (Role.NOTHING, _ALL, "CACHE COPY_FREE_VARS EXTENDED_ARG MAKE_CELL NOP PUSH_NULL"),
    (Role.NOTHING, _Versions(until=11), "PRECALL"),
    (Role.NOTHING, _Versions(until=12), "KW_NAMES"),
    (Role.NOTHING, _Versions(since=14), "NOT_TAKEN"),
    (Role.OTHER, _ALL, "BUILD_SLICE CHECK_EG_MATCH CHECK_EXC_MATCH DELETE_ATTR DELETE_DEREF DELETE_GLOBAL DICT_MERGE"),
    (Role.OTHER, _ALL, "END_ASYNC_FOR GET_AITER GET_ANEXT GET_AWAITABLE GET_LEN IMPORT_FROM IS_OP"),
    (Role.OTHER, _ALL, "JUMP_BACKWARD_NO_INTERRUPT JUMP_FORWARD LIST_APPEND LOAD_BUILD_CLASS MAP_ADD MATCH_CLASS"),
    (Role.OTHER, _ALL, "MATCH_KEYS MATCH_MAPPING MATCH_SEQUENCE POP_EXCEPT POP_TOP PUSH_EXC_INFO RAISE_VARARGS"),
    (Role.OTHER, _ALL, "RERAISE RETURN_GENERATOR RETURN_VALUE SETUP_ANNOTATIONS SET_ADD STORE_ATTR STORE_DEREF"),
    (Role.OTHER, _ALL, "STORE_FAST STORE_GLOBAL STORE_NAME UNARY_INVERT UNARY_NEGATIVE UNARY_NOT UNPACK_EX"),
    (Role.OTHER, _ALL, "UNPACK_SEQUENCE"),
    (Role.OTHER, _Versions(until=11), "ASYNC_GEN_WRAP IMPORT_STAR JUMP_IF_FALSE_OR_POP JUMP_IF_TRUE_OR_POP"),
    (Role.OTHER, _Versions(until=11), "LIST_TO_TUPLE POP_JUMP_FORWARD_IF_FALSE POP_JUMP_FORWARD_IF_NONE"),
    (Role.OTHER, _Versions(until=11), "POP_JUMP_FORWARD_IF_NOT_NONE POP_JUMP_FORWARD_IF_TRUE PREP_RERAISE_STAR"),
    (Role.OTHER, _Versions(until=11), "PRINT_EXPR UNARY_POSITIVE"),
    (Role.OTHER, _Versions(until=12), "LOAD_CLOSURE"),
    (Role.OTHER, _Versions(until=13), "LOAD_ASSERTION_ERROR"),
    (Role.OTHER, _Versions(until=14), "GET_YIELD_FROM_ITER"),
    (Role.OTHER, _Versions(12, 13), "RETURN_CONST"),
    (Role.OTHER, _Versions(since=12), "CALL_INTRINSIC_1 CALL_INTRINSIC_2 CLEANUP_THROW END_FOR END_SEND"),
    (Role.OTHER, _Versions(since=12), "INTERPRETER_EXIT LOAD_LOCALS POP_JUMP_IF_FALSE POP_JUMP_IF_NONE"),
    (Role.OTHER, _Versions(since=12), "POP_JUMP_IF_NOT_NONE POP_JUMP_IF_TRUE RESERVED"),
    (Role.OTHER, _Versions(since=13), "CONVERT_VALUE EXIT_INIT_CHECK STORE_FAST_STORE_FAST TO_BOOL"),
    (Role.OTHER, _Versions(since=14), "BUILD_INTERPOLATION BUILD_TEMPLATE POP_ITER"),
)


def _roles() -> Iterator[tuple[str, Role]]:
    minor = min(sys.version_info[:2], KNOWN_UNTIL)[1]
    for role, versions, names in _TABLE:
        if versions.since <= minor <= versions.until:
            yield from ((name, role) for name in names.split())


ROLES = dict(_roles())
"""The opcodes of the running interpreter that are known. On a later Python, what was known of the one before."""
