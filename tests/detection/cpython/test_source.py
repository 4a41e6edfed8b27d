"""The line and the text of an instruction in its source."""

import functools
import inspect

import pytest

from loopwatch.detection.cpython.source import Span, definition_line, span_at, text_of


def decorated(*_):
    return lambda function: function


def plain():
    pass


@decorated()
def under_one():
    pass


@decorated(
    "def over_lines",
)
@functools.cache
def over_lines():
    pass


@decorated()
async def coroutine():
    pass


class Cart:
    @property
    def total(self):
        pass

    @decorated(lambda: None)
    class Item:
        code = inspect.currentframe().f_code


LAMBDA = []


@decorated(LAMBDA.append(lambda: None))
def after_a_lambda():
    pass


@pytest.mark.parametrize(
    ("code", "line"),
    [
        pytest.param(plain.__code__, "def plain():", id="of a plain function"),
        pytest.param(under_one.__code__, "def under_one():", id="under a decorator"),
        pytest.param(over_lines.__wrapped__.__code__, "def over_lines():", id="under decorators of several lines"),
        pytest.param(coroutine.__code__, "async def coroutine():", id="of a coroutine function"),
        pytest.param(Cart.total.fget.__code__, "def total(self):", id="of a property"),
        pytest.param(Cart.Item.code, "class Item:", id="of a class"),
        pytest.param(LAMBDA[0].__code__, "@decorated(LAMBDA.append(lambda: None))", id="of a lambda in a decorator"),
    ],
)
def test_the_line_of_a_definition(code, line):
    span = span_at(code, 0)
    assert text_of(__file__, span._replace(column=0, end_column=0)) == line
    assert span.lineno == definition_line(code)


def test_without_its_source_the_line_of_a_definition_is_its_first():
    code = under_one.__code__.replace(co_filename="/srv/gone.py")
    assert definition_line(code) == code.co_firstlineno


def test_the_body_of_a_decorated_function_keeps_its_lines():
    code = under_one.__code__
    assert span_at(code, len(code.co_code) - 2).lineno == definition_line(code) + 1


@pytest.mark.parametrize("filename", ["/srv/\ud800.py", "/srv/\0.py", "/" + "x" * 100_000])
def test_a_file_whose_name_the_system_refuses_has_no_text(filename):
    assert text_of(filename, Span(1, 1, 0, 0)) == ""
