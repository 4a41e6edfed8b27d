"""What the bytecode says is called, for instructions that are hard to stop a thread at."""

import pytest

from loopwatch.detection.cpython import bytecode, instructions
from loopwatch.detection.cpython.expressions import Attribute, Item, Name, Result, Scope, SpecialMethod, Unknown

MANAGER = Name("manager", Scope.GLOBAL)
ENTER, EXIT = SpecialMethod(MANAGER, "__enter__"), SpecialMethod(MANAGER, "__exit__")
AENTER, AEXIT = SpecialMethod(MANAGER, "__aenter__"), SpecialMethod(MANAGER, "__aexit__")


def calls_in(source):
    """The calls that a function with ``source`` as its body makes, in the order of its instructions."""
    namespace = {}
    body = "".join(f"    {line}\n" for line in source.splitlines())
    exec(f"async def function():\n{body}", namespace)
    code = namespace["function"].__code__
    offsets = dict.fromkeys(each.offset for each in instructions.instructions_of(code) if each.name != "PRECALL")
    calls = (bytecode.call_at(code, offset) for offset in offsets)
    return [call.function for call in calls if call is not None]


@pytest.mark.parametrize(
    ("source", "calls"),
    [
        ("with manager: pass", [ENTER, EXIT, EXIT]),
        ("with manager: return 3", [ENTER, EXIT, EXIT]),
        ("async with manager: pass", [AENTER, AEXIT, AEXIT]),
        ("async with manager: return 3", [AENTER, AEXIT, AEXIT]),
        ("manager(None, None, None)", [MANAGER]),
        ("@manager\ndef decorated(): pass", [MANAGER]),
        ("@manager(3)\ndef decorated(): pass", [MANAGER, Result(MANAGER)]),
        ("manager[manager.key](3)", [Item(MANAGER, Attribute(MANAGER, "key"))]),
        ("_ = (manager if manager.x else manager.y)(3)\nreturn _.x.y.z", [Unknown()]),
        ("_ = (manager if manager.x else manager.y).close()\nreturn _.x.y.z", [Attribute(Unknown(), "close")]),
        ("(manager or manager.y).close()", [Attribute(Unknown(), "close")]),
        ("(await manager).close()", [Attribute(Unknown(), "close")]),
        ("for _ in manager: pass", [SpecialMethod(MANAGER, "__iter__"), SpecialMethod(MANAGER, "__next__")]),
    ],
)
def test_what_is_called(source, calls):
    assert calls_in(source) == calls


def test_two_managers_of_one_statement_are_not_taken_for_each_other():
    first, second = Name("first", Scope.GLOBAL), Name("second", Scope.GLOBAL)
    entered_1, entered_2, *left = calls_in("with first, second: pass")
    assert [entered_1, entered_2] == [SpecialMethod(first, "__enter__"), SpecialMethod(second, "__enter__")]
    known = [each.of for each in left if each != Unknown()]
    assert known in ([], [second, first, second, first], [second, first, first, second])


@pytest.fixture
def unknown_opcode(monkeypatch):
    """As on a later Python, where attributes are loaded by an instruction of another name."""

    def forget(*names):
        for name in names:
            monkeypatch.delitem(instructions.ROLES, name, raising=False)
        for cached in (instructions.instructions_of, bytecode.call_at, bytecode.operation_before):
            cached.cache_clear()

    yield forget
    for cached in (instructions.instructions_of, bytecode.call_at, bytecode.operation_before):
        cached.cache_clear()


@pytest.mark.parametrize(
    "source", ["manager.close()", "manager(manager.argument)", "with manager: pass\nmanager.x", "manager.x\nmanager()"]
)
def test_code_with_an_unknown_opcode_is_not_read(unknown_opcode, source):
    unknown_opcode("LOAD_ATTR", "LOAD_METHOD")
    assert set(calls_in(source)) == {Unknown()}


def test_an_unknown_opcode_may_have_kept_the_gil(unknown_opcode):
    def function(argument):
        argument.attribute = 3
        print(argument)

    offset = next(each.offset for each in instructions.instructions_of(function.__code__) if each.name == "CALL")
    assert bytecode.operation_before(function.__code__, offset) is None
    unknown_opcode("STORE_ATTR")
    assert bytecode.operation_before(function.__code__, offset) is not None
