"""Names and places that the lookout has read lead to the very code, or to nothing."""

import dis
import functools
import math
import sys
import types

import pytest

from loopwatch.detection.cpython.callees import Callee
from loopwatch.detection.lookout.look import Look, LookedFrame
from loopwatch.detection.lookout.placing import sites_of
from loopwatch.detection.timing import stopwatch
from tests.detection.builders import inner_code, offset_of, site


def raise_to(exponent):
    return 3**exponent


def root(number):
    return math.isqrt(number)


def count(text):
    return text.count("x")


def traced(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


def hidden(function):
    def call(*args):
        return function(*args)

    return call


@traced
def decorated(exponent):
    return 5**exponent


@hidden
def hidden_behind_another(exponent):
    return 6**exponent


class Basket:
    @property
    def total(self):
        return 7**self.size

    @functools.cached_property
    def weight(self):
        return 8**self.size

    @staticmethod
    def price(exponent):
        return 9**exponent


def outer():
    def inner(exponent):
        return 10**exponent

    return inner


def sums(exponents):
    return sum(11**exponent for exponent in exponents)


STEP = stopwatch._timed_as_asyncio_runs(print, lambda loop: None).__code__
"""The function that runs a step, which is known as such since it was made."""


def frame_at(code, offset):
    lineno, end_lineno, column, end_column = list(code.co_positions())[offset // 2]
    return LookedFrame(code.co_filename, code.co_qualname, lineno, end_lineno, column, end_column)


def look(*places, opcode=None, in_step=True):
    """What is seen of code that stands at expressions, innermost first, in a step of the loop."""
    frames = [frame_at(code, offset_of(code, at)) for code, at in places]
    if in_step:
        frames.append(frame_at(STEP, offset_of(STEP)))
    code, at = places[0]
    name = next(each.opname for each in dis.get_instructions(code) if each.offset == offset_of(code, at))
    return Look(1, 0.0, 1.0, dis.opmap[name] if opcode is None else opcode, tuple(frames), 0)


def test_an_operator_is_found_where_it_stands():
    code = raise_to.__code__
    (found,) = sites_of(look((code, "3**exponent")), ())
    assert (found.code, found.offset, found.module) == (code, offset_of(code, "3**exponent"), __name__)
    assert found.callee is None


def test_a_whole_stack_is_found():
    inner, caller = raise_to.__code__, sums.__code__
    found = sites_of(look((inner, "3**exponent"), (caller, None)), ())
    assert [each.code for each in found] == [inner, caller]


@pytest.mark.parametrize(
    ("code", "at"),
    [
        pytest.param(decorated.__wrapped__.__code__, "5**exponent", id="decorated"),
        pytest.param(hidden_behind_another.__closure__[0].cell_contents.__code__, "6**exponent", id="in a closure"),
        pytest.param(Basket.total.fget.__code__, "7**self.size", id="a property"),
        pytest.param(vars(Basket)["weight"].func.__code__, "8**self.size", id="a cached property"),
        pytest.param(Basket.price.__code__, "9**exponent", id="a static method"),
        pytest.param(outer().__code__, "10**exponent", id="an inner function"),
        pytest.param(inner_code(sums, "<genexpr>"), "11**exponent", id="a generator"),
    ],
)
def test_code_is_found_in_the_functions_of_its_module(code, at):
    (found,) = sites_of(look((code, at)), ())
    assert found.code is code


def test_code_that_a_sample_has_seen_is_found_wherever_it_was_made():
    namespace = {"__name__": __name__}
    exec(compile("def made(n):\n    return 3**n\n", __file__, "exec"), namespace)
    code = namespace["made"].__code__
    assert sites_of(look((code, None)), ()) == ()
    seen = site(code, module=__name__)
    assert sites_of(look((code, None)), (seen,)) == (seen,)


def test_a_c_function_of_a_module_is_named():
    (found,) = sites_of(look((root.__code__, "math.isqrt(number)")), ())
    assert found.callee == Callee("math.isqrt", is_resolved=True, is_certain=True)


def test_a_c_function_that_a_local_variable_leads_to_is_named_as_written():
    (found,) = sites_of(look((count.__code__, 'text.count("x")')), ())
    assert found.callee == Callee("text.count", is_resolved=False, is_certain=True)


def test_a_sample_that_stands_there_too_names_what_it_calls():
    seen = site(count, 'text.count("x")', "str.count", module=__name__)
    assert sites_of(look((count.__code__, 'text.count("x")')), (seen,)) == (seen,)


def test_a_stack_with_a_gap_is_not_used():
    unknown = compile("def lost(n):\n    return 3**n\n", "<template>", "exec").co_consts[0]
    assert sites_of(look((raise_to.__code__, "3**exponent"), (unknown, None)), ()) == ()


def test_a_place_that_the_code_does_not_have_is_not_used():
    frame = frame_at(raise_to.__code__, offset_of(raise_to.__code__, "3**exponent"))
    step = frame_at(STEP, offset_of(STEP))
    moved = Look(1, 0.0, 1.0, 0, (frame._replace(lineno=1, end_lineno=1), step), 0)
    assert sites_of(moved, ()) == ()


def test_what_runs_outside_of_a_step_is_not_used():
    assert sites_of(look((raise_to.__code__, "3**exponent"), in_step=False), ()) == ()


def loops(numbers):
    for number in numbers:
        print(number)


def test_an_instruction_is_told_from_another_at_its_place_by_its_opcode():
    code = loops.__code__
    there = {each.opname: each for each in dis.get_instructions(code) if each.opname in ("GET_ITER", "FOR_ITER")}
    step = frame_at(STEP, offset_of(STEP))
    for name, each in there.items():
        seen = Look(1, 0.0, 1.0, dis.opmap[name], (frame_at(code, each.offset), step), 0)
        (found,) = sites_of(seen, ())
        assert found.offset == each.offset


class Lazy(types.ModuleType):
    """A module that loads something whenever it is asked for an attribute."""

    def __getattribute__(self, name):
        raise SystemExit(name)


def test_a_module_of_an_odd_class_is_not_asked_for_anything(monkeypatch):
    namespace = types.ModuleType.__getattribute__(lazy := Lazy("lazy"), "__dict__")
    exec(compile("def made(n):\n    return divmod(n, 3)\n", "lazy.py", "exec"), namespace)
    namespace["__file__"] = "lazy.py"
    monkeypatch.setitem(sys.modules, "lazy", lazy)
    (found,) = sites_of(look((namespace["made"].__code__, None)), ())
    assert (found.module, found.callee) == ("lazy", Callee("divmod", is_resolved=True, is_certain=True))
