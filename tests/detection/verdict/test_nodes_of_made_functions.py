"""Methods that a library generates, and private generators, are named by what calls them."""

import dis
import glob
import sys
from dataclasses import replace
from types import ModuleType

import pytest
from django.db.models import QuerySet

from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.verdict.attribution import nodes_of
from tests.detection.builders import inner_code, site

GENERATING = """
class Client:
    pass

def make_method():
    def call(self):
        pass
    return call

S3 = type("S3", (Client,), {"put_object": make_method(), "list_buckets": make_method()})
Made, S3 = [S3], None
"""


def back_up(client):
    client.put_object()
    client.list_buckets()


@pytest.fixture
def generated(monkeypatch):
    """The node of a method that a library has generated, by the expression that calls it."""
    library = ModuleType("storage")
    exec(compile(GENERATING, pytest.__file__, "exec"), vars(library))
    monkeypatch.setitem(sys.modules, "storage", library)
    code = library.Made[0].put_object.__code__
    return lambda at: nodes_of([site(code, module="storage"), site(back_up, at)], is_exact=True, is_calling=True)[-1]


def test_a_method_that_a_library_has_generated_is_named_by_its_class_and_the_name_called(generated):
    names = [generated(at).name for at in ("client.put_object()", "client.list_buckets()")]
    assert names == ["storage.S3.put_object", "storage.S3.list_buckets"]


def test_generated_methods_are_not_added_up(generated):
    assert generated("client.put_object()").key != generated("client.list_buckets()").key


def read_all(books, iterator):
    for book in books.iterator():
        book.read()
    for book in iterator(books):
        book.read()
    for book in books.cheap:
        book.read()
    for book in books:
        book.read()


def loops():
    instructions = dis.get_instructions(read_all)
    return [replace(site(read_all), offset=each.offset) for each in instructions if each.opname == "FOR_ITER"]


def name_in_loop(code, loop, module):
    return nodes_of([site(code, module=module), loop], is_exact=True, is_calling=True)[-1].name


def test_a_private_generator_has_the_name_of_the_method_that_the_loop_goes_over():
    over_method, _, over_property, over_itself = loops()
    code = QuerySet._iterator.__code__
    assert name_in_loop(code, over_method, QuerySet.__module__) == "django.db.models.QuerySet.iterator"
    for loop in (over_property, over_itself):
        assert name_in_loop(code, loop, QuerySet.__module__) == "django.db.models.QuerySet._iterator"


def count_all(books):
    return sum(book.pages for book in books.iterator() if book)


def count_in_turn(books):
    return sum(book.pages for book in books)


@pytest.mark.parametrize(("function", "name"), [(count_all, "iterator"), (count_in_turn, "_iterator")])
def test_a_private_generator_in_a_generator_expression_has_the_name_of_the_method_that_is_gone_over(function, name):
    expression = inner_code(function, "<genexpr>")
    loop = next(each.offset for each in dis.get_instructions(expression) if each.opname == "FOR_ITER")
    stack = [site(QuerySet._iterator), Site(expression, loop, __name__), site(function)]
    assert nodes_of(stack, is_exact=True, is_calling=True)[-1].name == f"django.db.models.QuerySet.{name}"


def test_a_private_generator_of_a_module_has_the_name_of_the_function_that_the_loop_calls(monkeypatch):
    iglob = glob._iglob.__code__
    monkeypatch.setattr(glob, "iterator", glob.iglob, raising=False)
    over_method, over_function, over_property, _ = loops()
    names = [name_in_loop(iglob, loop, "glob") for loop in (over_method, over_function, over_property)]
    assert names == ["glob.iterator", "glob.iterator", "glob._iglob"]


def test_a_generator_inside_a_function_has_the_name_of_the_function_that_the_loop_calls():
    code = QuerySet._iterator.__code__.replace(co_name="rows", co_qualname="iterator.<locals>.rows")
    over_method, over_function, over_property, _ = loops()
    names = [name_in_loop(code, loop, "shelves") for loop in (over_method, over_function, over_property)]
    assert names == ["shelves.iterator", "shelves.iterator", "shelves.iterator.rows"]


def test_a_private_generator_has_the_name_of_the_property_that_the_loop_goes_over(monkeypatch):
    monkeypatch.setattr(QuerySet, "cheap", property(QuerySet._iterator), raising=False)
    monkeypatch.setattr(QuerySet, "free", property(QuerySet._iterator), raising=False)  # the code alone does not tell
    _, _, over_property, _ = loops()
    name = name_in_loop(QuerySet._iterator.__code__, over_property, QuerySet.__module__)
    assert name == "django.db.models.QuerySet.cheap"
