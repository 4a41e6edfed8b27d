"""Blame passes through frameworks: in-app code around the call of a view is not to blame for the view."""

import dis
import importlib._bootstrap
import json
from dataclasses import replace

import django.template.base as templates
import pytest
from channels.consumer import AsyncConsumer
from channels.routing import URLRouter
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.db.models import QuerySet
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor
from django.utils.functional import cached_property
from uvicorn.protocols.http.h11_impl import RequestResponseCycle

from loopwatch.detection.calls import PROGRAM, Request
from loopwatch.detection.cpython.templates import DjangoTemplate
from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight
from loopwatch.detection.verdict.culprit import culprit_of, entry_of
from tests.detection import shop
from tests.detection.builders import path, reported, site, stall

DUMPS = site(json.dumps)
LIBRARY = site(templates.Template.render)
VIEW = site(shop.checkout, "json.dumps(total)")
MIDDLEWARE = site(shop.price)
DJANGO = site(BaseHandler._get_response_async)
DJANGO_SYNC = site(BaseHandler._get_response)
DISPATCH = site(AsyncConsumer.dispatch)
SERVER = site(RequestResponseCycle.run_asgi)


RENDER = "django.template.Template.render"


def awaiting(function):
    """Where a coroutine function stands in its first ``await``."""
    sends = (each.offset for each in dis.get_instructions(function) if each.opname == "SEND")
    return replace(site(function), offset=next(sends))


FUNCTIONS = [
    pytest.param([DUMPS, VIEW, DJANGO, MIDDLEWARE], "shop.checkout", id="the view, inward of Django's call of it"),
    pytest.param([DUMPS, LIBRARY, DJANGO, MIDDLEWARE, SERVER], RENDER, id="a library's view"),
    pytest.param([DUMPS, LIBRARY, DJANGO_SYNC, MIDDLEWARE], RENDER, id="a synchronous view"),
    pytest.param([DUMPS, LIBRARY, site(ASGIHandler.__call__), MIDDLEWARE], RENDER, id="Django"),
    pytest.param([DUMPS, LIBRARY, site(URLRouter.__call__), MIDDLEWARE], RENDER, id="a router"),
    pytest.param([DUMPS, LIBRARY, site(AsyncConsumer.dispatch), MIDDLEWARE], RENDER, id="a consumer"),
    pytest.param([DUMPS, MIDDLEWARE, SERVER], "shop.price", id="middleware, for a call that it makes itself"),
    pytest.param([DUMPS, LIBRARY, SERVER], RENDER, id="never the server"),
]


@pytest.mark.parametrize(("stack", "name"), FUNCTIONS)
def test_the_function_to_blame_is(stack, name):
    assert culprit_of([path(stack)]).function.name == name


@pytest.mark.parametrize("middleware", [shop.audited, shop.of_class], ids=["a function", "a class"])
def test_middleware_is_not_to_blame_for_the_response_that_it_awaits(middleware):
    assert culprit_of([path([DUMPS, LIBRARY, awaiting(middleware)])]).function.name == RENDER


@pytest.mark.parametrize("function", [shop.fetched, shop.asked, shop.of_client], ids=lambda function: function.__name__)
def test_in_app_code_is_to_blame_for_a_library_that_it_awaits(function):
    culprit = culprit_of([path([DUMPS, LIBRARY, awaiting(function)])])
    assert (culprit.function.name, culprit.called.name) == (f"shop.{function.__name__}", RENDER)


def test_a_view_of_django_is_entered_where_the_handler_calls_it():
    nodes = path([site(templates.NodeList.render), LIBRARY, DJANGO, site(ASGIHandler.__call__)]).nodes
    assert nodes[entry_of(nodes, len(nodes) - 1)].name == RENDER


FOLLOWS = "django.db.models.fields.related_descriptors.ForwardManyToOneDescriptor.__get__"
RELATION = site(ForwardManyToOneDescriptor.__get__)


@pytest.mark.parametrize(
    ("stack", "detail"),
    [
        pytest.param([site(QuerySet.get), RELATION, LIBRARY], FOLLOWS, id="the query that a template runs"),
        pytest.param([site(cached_property.__get__), RELATION, LIBRARY], FOLLOWS, id="a query's own work"),
        pytest.param(
            [site(QuerySet._fetch_all), site(QuerySet.__len__), site(QuerySet.get, callee="len"), RELATION],
            FOLLOWS,
            id="a query that C code calls back",
        ),
        pytest.param([site(templates.NodeList.render), LIBRARY], RENDER, id="a template that runs none"),
    ],
)
def test_the_detail_of_a_library_is_where_it_queries_or_was_entered(stack, detail):
    nodes = path([*stack, VIEW]).nodes
    assert nodes[entry_of(nodes, len(nodes) - 1)].name == detail


def test_middleware_is_no_second_place():
    call = reported(path([DUMPS, VIEW, DJANGO, MIDDLEWARE], 0.6), path([DUMPS, LIBRARY, DJANGO, MIDDLEWARE], 0.4))
    assert (call.function, call.other_place) == ("shop.checkout", None)


def served(request, *stack):
    in_flight = RequestInFlight(InFlight(), lambda: request)
    stack = stack or (DUMPS, LIBRARY, DJANGO, MIDDLEWARE, SERVER)
    return reported(path(stack), of=stall(1.0, request=in_flight))


PRICE = f"{shop.__name__}.price"


@pytest.mark.parametrize(
    ("request_", "function"),
    [
        pytest.param(Request("http", "GET", "shop/", view=PRICE), PRICE, id="the view"),
        pytest.param(Request("websocket", "", "ws/", consumer=PRICE), PRICE, id="the consumer"),
        pytest.param(Request("http", "GET", "shop/"), "GET shop/", id="the route"),
        pytest.param(Request("http", "GET"), RENDER, id="the library, if the request has no route"),
        pytest.param(None, RENDER, id="the library, outside of requests"),
        pytest.param(Request(PROGRAM, route="bot"), RENDER, id="the library, in a program"),
    ],
)
def test_where_only_a_framework_was_running_the_function_is(request_, function):
    assert served(request_).function == function


def test_the_resolver_is_named_where_only_graphql_was_running():
    completes = replace(LIBRARY, resolver=PRICE)
    call = served(Request("http", "POST", "graphql/", view="shop.View"), DUMPS, completes, DJANGO, MIDDLEWARE, SERVER)
    assert (call.function, call.source) == (PRICE, "def price(item):")


def test_a_resolver_of_the_site_that_runs_is_named_before_the_one_around_it():
    call = served(None, DUMPS, VIEW, replace(LIBRARY, resolver="shop.price"), SERVER)
    assert call.function == "shop.checkout"


def test_a_view_that_was_not_running_has_called_nothing_and_is_at_its_definition():
    call = served(Request("http", "GET", "shop/", view=PRICE))
    assert (call.headline, call.called_name, call.source) == ("json.dumps", "", "def price(item):")
    assert (call.filename, call.duration_ms) == (shop.__file__, 1000.0)


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        pytest.param("", "{% for book in books %}", id="at its line of a template of the site"),
        pytest.param("site-packages", "def price(item):", id="at its definition, if the template is a library's"),
    ],
)
def test_a_view_that_was_not_running_is(folder, source, tmp_path):
    page = tmp_path / folder / "list.html"
    page.parent.mkdir(exist_ok=True)
    page.write_text("<ul>\n{% for book in books %}\n")
    node = replace(
        site(templates.Node.render_annotated), template=DjangoTemplate("list.html", str(page), 2, "{% for %}")
    )
    request = RequestInFlight(InFlight(), lambda: Request("http", "GET", "shop/", view=PRICE))
    call = reported(path([DUMPS, node, LIBRARY, DJANGO, MIDDLEWARE]), of=stall(1.0, request=request))
    assert (call.function, call.source) == (PRICE, source)


def test_all_that_a_framework_does_for_a_view_is_one_finding():
    request = Request("http", "GET", "shop/", view=PRICE)
    other = served(request, LIBRARY, DJANGO, MIDDLEWARE)
    assert other.method_name != served(request).method_name
    assert other.fingerprint == served(request).fingerprint


def test_an_import_by_a_framework_is_another_finding_than_the_rest_that_it_does_for_a_view():
    request = Request("http", "GET", "shop/", view=PRICE)
    imports = served(request, site(importlib._bootstrap._find_and_load), LIBRARY, DJANGO, MIDDLEWARE)
    assert (imports.headline, imports.function) == ("import", PRICE)
    assert imports.fingerprint != served(request).fingerprint
