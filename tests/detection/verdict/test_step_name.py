"""What a step is called when no sample tells what it did."""

import collections.abc
import contextvars
import functools
import gc
import json
import sys
import time
import types
from asyncio import base_events
from types import FunctionType

import pytest
from django.utils import html

from loopwatch.detection.calls import PROGRAM, Request
from loopwatch.detection.verdict.step_name import UNNAMED, StepName, kind_of_step, name_of_step
from tests.detection import shop
from tests.detection.builders import Step, inner_code

SHOP = shop.__name__


def line_of(function):
    return function.__code__.co_firstlineno


def own(qualname, function, lines=0):
    return StepName(f"{SHOP}.{qualname}", shop.__file__, line_of(function) + lines)


class Callback:
    """An object that can be called."""

    def __call__(self):
        pass


class Library(collections.abc.Coroutine):
    """A coroutine that a library implements itself, as Cython does."""

    __slots__ = ("__qualname__", "cr_code", "gi_code")

    def __init__(self, **attributes):
        for name, value in attributes.items():
            setattr(self, name, value)

    def send(self, value):
        raise StopIteration

    def throw(self, *error):
        raise error[0]

    def close(self):
        pass

    def __await__(self):
        yield


def of_no_module(filename="/srv/site/generated.py"):
    namespace = {}
    exec(compile("def anonymous():\n  pass", filename, "exec"), namespace)
    return namespace["anonymous"]


CALLBACKS = [
    pytest.param(shop.price, own("price", shop.price), id="a function"),
    pytest.param(shop.Cart().size, own("Cart.size", shop.Cart.size), id="a method"),
    pytest.param(staticmethod(shop.price), own("price", shop.price), id="a static method"),
    pytest.param(
        FunctionType(inner_code(shop.add_up, "<lambda>"), {}), own("add_up", shop.add_up, lines=2), id="a lambda"
    ),
    pytest.param(functools.partial(shop.price, 1), own("price", shop.price), id="a partial"),
    pytest.param(
        functools.partial(functools.partial(shop.Cart().size), 1), own("Cart.size", shop.Cart.size), id="partials"
    ),
    pytest.param(of_no_module(), StepName("anonymous", "/srv/site/generated.py", 1), id="a function of no module"),
    pytest.param(time.sleep, StepName("time.sleep", "", 0, is_c=True), id="a C function"),
    pytest.param([].append, StepName("list.append", is_c=True), id="a C method"),
    pytest.param(Callback(), StepName(f"{__name__}.Callback"), id="an object that can be called"),
    pytest.param(json.dumps, StepName("json.dumps", json.__file__, line_of(json.dumps)), id="a library's function"),
    pytest.param(base_events._run_until_complete_cb, StepName(UNNAMED), id="plumbing"),
    pytest.param(contextvars.copy_context().run, StepName(UNNAMED), id="plumbing written in C"),
    pytest.param(None, StepName(UNNAMED), id="none any more"),
]


@pytest.mark.parametrize(("callback", "step"), CALLBACKS)
def test_a_step_is_named_by_its_callback(callback, step):
    assert name_of_step(Step(callback), None) == step


asked = []


class Remote:
    """A proxy that asks its server for every attribute."""

    def __getattribute__(self, name):
        asked.append(name)
        return Remote()

    def __call__(self):
        """Never called."""


class RemoteCoroutine(Library):
    """A coroutine that asks its server for every attribute that it does not have."""

    __slots__ = ()
    __getattr__ = Remote.__getattribute__


class Client:
    """A view with proxies among its members."""

    server, other_server = Remote(), Remote()

    def get(self):
        """The first function."""


@pytest.mark.parametrize(
    "callback",
    [
        pytest.param(Remote(), id="a proxy"),
        pytest.param(functools.partial(Remote()), id="a partial of one"),
        pytest.param(types.MethodType(Remote(), "an order"), id="a method of one"),
    ],
)
def test_a_step_whose_callback_is_a_proxy_is_named_by_its_type_without_asking_it(callback):
    asked.clear()
    assert name_of_step(Step(callback), None) == StepName(f"{__name__}.Remote")
    assert not asked


def test_a_step_of_a_task_that_runs_a_proxy_is_named_without_asking_it(step_of_task):
    step = step_of_task(RemoteCoroutine())
    asked.clear()
    assert name_of_step(step, None) == StepName("coroutine")
    assert not asked


@pytest.mark.parametrize(
    ("view", "lineno"), [("asked_for_view", 0), ("Client", line_of(Client.get)), ("Client.server", 0)]
)
def test_a_view_is_named_without_asking_a_proxy(view, lineno, monkeypatch):
    monkeypatch.setitem(globals(), "asked_for_view", Remote())
    asked.clear()
    view = f"{__name__}.{view}"
    assert name_of_step(Step(html.escape), Request("http", view=view)).lineno == lineno
    assert not asked


def test_a_step_without_a_callback_has_no_name():
    assert name_of_step(object(), None) == StepName(UNNAMED)


def test_a_step_of_a_task_is_named_by_its_coroutine(step_of_task):
    assert name_of_step(step_of_task(shop.checkout([])), None) == own("checkout", shop.checkout)


@pytest.mark.parametrize(
    ("attributes", "step"),
    [
        pytest.param({"cr_code": shop.price.__code__}, own("price", shop.price), id="its code"),
        pytest.param({"gi_code": shop.price.__code__}, own("price", shop.price), id="its generator's code"),
        pytest.param({"__qualname__": "Feed.read"}, StepName("Feed.read"), id="its name, if it has no code"),
        pytest.param({}, StepName("coroutine"), id="what it is, if it has no name"),
    ],
)
def test_a_step_of_a_task_that_runs_a_librarys_coroutine_is_named_by(attributes, step, step_of_task):
    assert name_of_step(step_of_task(Library(**attributes)), None) == step


PRICE, SIZE = f"{SHOP}.price", f"{SHOP}.Cart.size"
LIBRARY = StepName("json.dumps", json.__file__, line_of(json.dumps))
REQUESTS = [
    pytest.param(html.escape, Request("http", view=PRICE), own("price", shop.price), id="a view"),
    pytest.param(
        html.escape, Request("http", view=SIZE), own("Cart.size", shop.Cart.size), id="a view that is a method"
    ),
    pytest.param(html.escape, Request("websocket", consumer=PRICE), own("price", shop.price), id="a consumer"),
    pytest.param(
        html.escape, Request("http", view=PRICE, consumer=SIZE), own("price", shop.price), id="the view first"
    ),
    pytest.param(
        base_events._run_until_complete_cb, Request("http", view=PRICE), own("price", shop.price), id="plumbing"
    ),
    pytest.param(
        html.escape,
        Request("http", view=f"{SHOP}.Cart"),
        StepName(f"{SHOP}.Cart", shop.__file__, line_of(shop.Cart.__init__)),
        id="a class, at its first function",
    ),
    pytest.param(
        html.escape,
        Request("http", view=f"{SHOP}.Basket.size"),
        StepName(f"{SHOP}.Basket.size", shop.__file__, line_of(shop.Basket.weight)),
        id="a method that its class inherits, at the class",
    ),
    pytest.param(
        html.escape, Request("http", view=f"{SHOP}.decorated"), own("decorated", shop.price), id="a decorated view"
    ),
    pytest.param(
        html.escape,
        Request("http", view=f"{SHOP}.borrowed"),
        StepName(f"{SHOP}.borrowed"),
        id="a view whose code is in another file has no place",
    ),
    pytest.param(html.escape, Request("http", "GET", "shop/"), StepName("GET shop/"), id="the route, without a view"),
    pytest.param(None, Request("http", view=PRICE), own("price", shop.price), id="a callback that is gone"),
    pytest.param(None, Request(PROGRAM, route="bot"), StepName("bot"), id="a program, if nothing else is known"),
    pytest.param(json.dumps, Request(PROGRAM, route="bot"), LIBRARY, id="a library in a program"),
    pytest.param(html.escape, Request("http", view=f"{SHOP}.Gone.a"), StepName(f"{SHOP}.Gone.a"), id="not found"),
    pytest.param(html.escape, Request("http", view="gone.views.a"), StepName("gone.views.a"), id="not loaded"),
    pytest.param(html.escape, Request("http", view="a"), StepName("a"), id="no module"),
]


@pytest.mark.parametrize(("callback", "request_", "step"), REQUESTS)
def test_a_step_that_runs_no_code_of_the_users_is_named_by_what_served_its_request(callback, request_, step):
    assert name_of_step(Step(callback), request_) == step


@pytest.mark.parametrize("module", ["billing", "billing.views", "billing.views.orders"])
@pytest.mark.parametrize(("qualname", "function"), [("price", shop.price), ("Cart.size", shop.Cart.size)])
def test_a_view_is_found_in_a_module_that_no_package_refers_to(module, qualname, function, monkeypatch):
    monkeypatch.setitem(sys.modules, module, shop)
    name = f"{module}.{qualname}"
    assert name_of_step(Step(html.escape), Request("http", view=name)) == StepName(
        name, shop.__file__, line_of(function)
    )


@pytest.mark.parametrize(
    ("callback", "request_", "name"),
    [
        pytest.param(shop.price, Request("http", view=SIZE), PRICE, id="it runs the user's own code"),
        pytest.param(time.sleep, Request("http", view=SIZE), "time.sleep", id="it runs a C function"),
        pytest.param(json.dumps, Request("lifespan"), "json.dumps", id="nothing is known to serve the request"),
    ],
)
def test_a_step_of_a_request_keeps_its_own_name_if(callback, request_, name):
    assert name_of_step(Step(callback), request_).name == name


def test_looking_for_the_module_of_a_step_allocates_too_little_to_make_the_collector_run(monkeypatch):
    for number in range(2000):
        monkeypatch.setitem(sys.modules, f"of_many_{number}", types.ModuleType(f"of_many_{number}"))
    handle = Step(of_no_module("/srv/site/views.py"))
    gc.collect()
    before = [each["collections"] for each in gc.get_stats()]
    name_of_step(handle, None)
    assert [each["collections"] for each in gc.get_stats()] == before


def test_functions_that_are_equal_but_for_their_files_are_named_separately():
    files = ["/srv/site/shop/views.py", "/srv/site/blog/views.py"]
    assert [name_of_step(Step(of_no_module(each)), None).filename for each in files] == files


def test_looking_for_the_module_of_a_step_imports_no_lazy_module(monkeypatch):
    class Lazy(types.ModuleType):
        def __getattribute__(self, name):
            raise RuntimeError(name)

    monkeypatch.setitem(sys.modules, "lazy_module", Lazy("lazy_module"))
    assert name_of_step(Step(of_no_module()), Request("http", view="lazy_module.view")).name == "anonymous"
    assert name_of_step(Step(html.escape), Request("http", view="lazy_module.view")) == StepName("lazy_module.view")


def test_a_step_of_middleware_has_the_name_of_the_view_that_it_awaits(step_of_task):
    step = step_of_task(shop.audited(shop.restock))
    assert name_of_step(step, Request("http", view=PRICE)) == own("price", shop.price)
    assert name_of_step(step, None).name == f"{SHOP}.audited"


KINDS = [
    pytest.param(shop.price, None, PRICE, id="its function"),
    pytest.param(shop.price, Request("http", "GET", "cart/"), f"{PRICE} GET cart/", id="its function and its route"),
    pytest.param(html.escape, Request("http", "GET", "cart/"), "GET cart/ GET cart/", id="its route"),
    pytest.param(html.escape, Request("http", "GET", "cart/", view=PRICE), f"{PRICE} GET cart/", id="its view"),
    pytest.param(html.escape, None, "", id="nothing, if a library runs it"),
    pytest.param(html.escape, Request("http", "GET"), "", id="nothing, if a library runs it for an unknown route"),
    pytest.param(None, None, "", id="nothing, if it has no name"),
]


@pytest.mark.parametrize(("callback", "request_", "kind"), KINDS)
def test_steps_of_one_kind_have_in_common(callback, request_, kind):
    assert kind_of_step(Step(callback), request_) == kind


def test_steps_of_middleware_have_nothing_in_common(step_of_task):
    assert kind_of_step(step_of_task(shop.audited(shop.restock)), None) == ""
