"""What a sample says of stacks whose innermost frame is loopwatch's own."""

import sys
import threading
import time

import pytest

from loopwatch.detection.cpython.frames import stack_of
from loopwatch.detection.sampling.sample import _sites
from loopwatch.detection.tracing import step_trace

WITHIN_S = 60


@pytest.fixture
def sites_while_traced():
    """The sites of a thread that runs a function, by code name, while the tracer is handling its first call."""
    held, threads = threading.Lock(), []
    namespace = {"__name__": step_trace.__name__, "held": held}
    exec("def profile(frame, event, argument):\n if event == 'c_call':\n  held.acquire()\n  held.release()", namespace)

    def run(function):
        function(lambda: sys.setprofile(namespace["profile"]))

    def sites_of(function):
        threads.append(threading.Thread(target=run, args=(function,)))
        threads[0].start()
        sites, until = (), time.monotonic() + WITHIN_S
        while not sites or sites[0].code is not namespace["profile"].__code__:
            assert time.monotonic() < until
            sites, _ = _sites(stack_of(threads[0].ident))
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
