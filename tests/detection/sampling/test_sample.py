"""What a sample says of stacks whose innermost frame is loopwatch's own, and of templates."""

import importlib
import sys
import threading
from queue import SimpleQueue

import pytest
from django.template import Context, Engine

from loopwatch.detection.cpython.frames import stack_of
from loopwatch.detection.cpython.imports import FINDS_MODULE
from loopwatch.detection.cpython.templates import RENDERS_NODE
from loopwatch.detection.sampling.sample import sites_on
from loopwatch.detection.tracing import step_trace

WITHIN_S = 60
PROFILE = """
def profile(frame, event, argument):
    if event == "c_call":
        begun.put(None)
        held.acquire()
        held.release()
"""


@pytest.fixture
def sites_while_traced():
    """The sites of a thread that runs a function, by code name, while the tracer is handling its first call."""
    held, begun, threads = threading.Lock(), SimpleQueue(), []
    namespace = {"__name__": step_trace.__name__, "held": held, "begun": begun}
    exec(PROFILE, namespace)

    def run(function):
        function(lambda: sys.setprofile(namespace["profile"]))

    def sites_of(function):
        threads.append(threading.Thread(target=run, args=(function,)))
        threads[0].start()
        begun.get(timeout=WITHIN_S)
        sites = sites_on(stack_of(threads[0].ident, ""))
        assert sites[0].code is namespace["profile"].__code__
        return {site.code.co_name: site for site in sites}

    held.acquire()
    yield sites_of
    held.release()
    threads[0].join(WITHIN_S)


def test_what_calls_a_generator_back_is_known_while_the_tracer_looks_at_it(sites_while_traced):
    def sums(trace):
        return sum(1 for _ in range(1) if trace() or abs(-1) or sys.setprofile(None))

    sites = sites_while_traced(sums)
    assert sites["<genexpr>"].callee is None
    assert sites["sums"].callee.name == "sum"


def test_a_call_whose_event_the_tracer_is_handling_is_no_callee(sites_while_traced):
    def calls(trace):
        trace()
        abs(-1)

    assert sites_while_traced(calls)["calls"].callee is None


def test_the_templates_of_django_are_known_however_deep_the_stack_goes_on_below_them():
    is_rendering, may_end = threading.Event(), threading.Event()

    def wait(calls_left):
        if calls_left:
            return wait(calls_left - 1)
        is_rendering.set()
        return may_end.wait(WITHIN_S)

    page = Engine().from_string("{% if book %}\n{{ book.author }}{% endif %}")
    context = Context({"book": {"author": lambda: wait(20)}})
    thread = threading.Thread(target=page.render, args=[context])
    thread.start()
    assert is_rendering.wait(WITHIN_S)
    sites = sites_on(stack_of(thread.ident, RENDERS_NODE))
    may_end.set()
    thread.join(WITHIN_S)
    assert [(site.template.tag, site.template.lineno) for site in sites if site.template] == [
        ("{{ book.author }}", 2),
        ("{% if %}", 1),
    ]


@pytest.fixture
def sites_of_import(monkeypatch):
    """The sites of a thread that runs a function, while it looks for the module ``shop_of_this_test``."""
    is_importing, may_end = threading.Event(), threading.Event()

    class Finder:
        @staticmethod
        def find_spec(name, _path, _target=None):
            if name == "shop_of_this_test":
                is_importing.set()
                may_end.wait(WITHIN_S)

    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])

    def run(function):
        with pytest.raises(ModuleNotFoundError):
            function()

    def sites_of(function):
        thread = threading.Thread(target=run, args=[function])
        thread.start()
        assert is_importing.wait(WITHIN_S)
        sites = sites_on(stack_of(thread.ident, "", FINDS_MODULE))
        may_end.set()
        thread.join(WITHIN_S)
        return {site.code.co_name: site.imports for site in sites}

    return sites_of


def test_the_module_that_is_imported_is_known_where_the_import_begins(sites_of_import):
    imports = sites_of_import(lambda: importlib.import_module("shop_of_this_test.views"))
    assert [(name, module) for name, module in imports.items() if module] == [
        ("import_module", "shop_of_this_test.views"),
    ]


def test_the_import_that_a_reload_leads_to_is_not_taken_for_the_reload(sites_of_import, tmp_path, monkeypatch):
    body = tmp_path / "reloaded_by_this_test.py"
    body.write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("reloaded_by_this_test")
    body.write_text("import shop_of_this_test", encoding="utf-8")
    imports = sites_of_import(lambda: importlib.reload(module))
    assert imports["reload"] == ""
    assert imports["<module>"] == "shop_of_this_test"
