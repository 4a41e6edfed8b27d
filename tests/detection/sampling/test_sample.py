"""What a sample says of stacks whose innermost frame is loopwatch's own, and of templates."""

import sys
import threading
from queue import SimpleQueue

import pytest
from django.template import Context, Engine

from loopwatch.detection.cpython.frames import stack_of
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
        sites, _ = sites_on(stack_of(threads[0].ident, ""))
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
    sites, _ = sites_on(stack_of(thread.ident, RENDERS_NODE))
    may_end.set()
    thread.join(WITHIN_S)
    assert [(site.template.tag, site.template.lineno) for site in sites if site.template] == [
        ("{{ book.author }}", 2),
        ("{% if %}", 1),
    ]
