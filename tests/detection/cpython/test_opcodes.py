"""The table of opcodes is complete for the interpreter that runs, so that a new Python is noticed here first."""

import dis
import sys
from types import CodeType

import pytest

from loopwatch.detection.cpython import callees, opcodes
from loopwatch.detection.cpython.instructions import instructions_of

INTERNAL = frozenset({"ENTER_EXECUTOR", "TRACE_RECORD"})
"""Written by the just-in-time compiler; ``co_code`` has what stood there before."""
PSEUDO = 256
"""From this number on, opcodes exist within the compiler alone."""

OF_THIS_PYTHON = {
    name
    for name, number in dis.opmap.items()
    if number < PSEUDO and name not in INTERNAL and not name.startswith("INSTRUMENTED_")
}


def test_this_python_is_known():
    assert sys.version_info[:2] <= opcodes.KNOWN_UNTIL


def test_every_opcode_of_this_python_is_known():
    assert OF_THIS_PYTHON - set(opcodes.ROLES) == set()


def test_no_opcode_is_said_to_be_in_a_python_that_lacks_it():
    assert set(opcodes.ROLES) - OF_THIS_PYTHON == set()


@pytest.mark.parametrize("code", [callees.callee_at.__code__, dis.dis.__code__])
def test_compiled_code_has_known_opcodes_alone(code: CodeType):
    assert [each.name for each in instructions_of(code) if each.role is None] == []
