"""A view is named as its developer wrote it, even if a framework has wrapped it."""

import functools
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from loopwatch.view_name import view_name


def page(request):
    pass


class Page(View):
    pass


class BookViewSet:
    """A view set of REST framework or adrf, as far as its wrapper shows it."""

    @classmethod
    def as_view(cls, actions=None):
        def view(request):
            pass

        view.cls = cls
        view.actions = actions
        return csrf_exempt(view)


class PathView:
    """A path of django-ninja, as far as its wrapper shows it."""

    def __init__(self, **functions):
        self.operations = [
            SimpleNamespace(methods=[method], view_func=function) for method, function in functions.items()
        ]

    def get_view(self):
        async def async_view_wrapper(request):
            return self

        async_view_wrapper.__module__ = "ninja.operation"
        return async_view_wrapper


def api_view(function):
    """REST framework's decorator, as far as the class that it makes is concerned."""
    made = type("WrappedAPIView", (BookViewSet,), {"__module__": function.__module__})
    made.__name__ = function.__name__
    return made.as_view()


class Callable:
    def __call__(self, request):
        pass


ACTIONS = {"get": "list", "post": "create"}
VIEWS = [
    pytest.param(page, "GET", "page", id="a function"),
    pytest.param(csrf_exempt(page), "GET", "page", id="a decorated function"),
    pytest.param(functools.partial(page), "GET", "page", id="a partial"),
    pytest.param(Callable(), "GET", "Callable", id="an object, by its class"),
    pytest.param(Page.as_view(), "GET", "Page", id="a class"),
    pytest.param(BookViewSet.as_view(), "GET", "BookViewSet", id="a class of REST framework"),
    pytest.param(BookViewSet.as_view(ACTIONS), "GET", "BookViewSet.list", id="the action of a view set"),
    pytest.param(BookViewSet.as_view(ACTIONS), "POST", "BookViewSet.create", id="the action for the method"),
    pytest.param(BookViewSet.as_view(ACTIONS), "HEAD", "BookViewSet.list", id="the action that answers GET, for HEAD"),
    pytest.param(BookViewSet.as_view(ACTIONS), "PUT", "BookViewSet", id="a view set without an action for the method"),
    pytest.param(api_view(page), "GET", "page", id="a function that REST framework made a class of"),
    pytest.param(PathView(GET=page, POST=Page).get_view(), "GET", "page", id="an operation of django-ninja"),
    pytest.param(PathView(GET=Page, POST=page).get_view(), "POST", "page", id="the operation for the method"),
]


@pytest.mark.parametrize(("view", "method", "name"), VIEWS)
def test_a_view_is_named_by(view, method, name):
    assert view_name(view, method) == f"{__name__}.{name}"


def test_a_method_that_no_operation_has_is_the_wrappers():
    assert view_name(PathView(GET=page).get_view(), "PUT").startswith("ninja.operation.")


def test_an_object_that_only_changes_threads_has_no_name():
    assert view_name(async_to_sync(sync_to_async(page).__call__), "GET") == ""
