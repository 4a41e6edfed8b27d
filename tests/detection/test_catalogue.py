"""Every case of the catalogue, with both engines, on every loop, in the main thread and in another.

A run whose threads waited longer for a CPU than a case blocks is not judged. Any other run may be false, on a busy
machine too. The fixture ``real_time`` decides how often a case is run, and what the session makes of the counts.
"""

import itertools

import pytest

from loopwatch import watch
from loopwatch.detection import monitor
from tests.detection.catalogue.peers import end_shared
from tests.detection.catalogue.run import CASES, LOOPS, run_case
from tests.detection.catalogue.sizes import STALL_S, size_that_takes_long
from tests.detection.catalogue.verdict import QUICKEST_MS, judge

pytestmark = pytest.mark.real_time

THRESHOLD_MS = 30.0
ENGINES = ("sampling", "tracing")


def runs():
    """All of them are in ``make catalogue``; ``make test`` takes one of each case, on this loop or that, sampled."""
    for number, case in enumerate(case for case in CASES if not case.known_limit):
        loops = [loop for loop in case.loops if loop in LOOPS]
        ways = list(itertools.product(case.threads, loops))
        for engine, (way, (thread, loop)) in itertools.product(ENGINES, enumerate(ways)):
            is_ordinary = engine == "sampling" and way == number % len(ways)
            marks = [] if is_ordinary else [pytest.mark.catalogue]
            yield pytest.param(case, loop, thread, engine, id=f"{case.name}-{loop}-{thread}-{engine}", marks=marks)


@pytest.fixture(scope="module", autouse=True)
def shared():
    yield
    end_shared()


@pytest.mark.parametrize(("case", "loop", "thread", "engine"), list(runs()))
def test_catalogue(case, loop, thread, engine, real_time):
    for each in real_time.runs(loop=loop, engine=engine):
        # What one run has taught the monitor is not to help the next.
        monitor.Monitor.__init__(monitor._monitor)
        watcher = watch(threshold_ms=THRESHOLD_MS, engine=engine)
        run = run_case(case, watcher, loop, thread)
        assert run.truth.blocked or case.expected is None
        if any(blocked.duration_ms < QUICKEST_MS for blocked in run.truth.blocked):
            size_that_takes_long.cache_clear()  # it was measured while something else slowed the machine down
        account_for(each, run, judge(case, run, watcher.calls, watcher.disturbances))


def account_for(each, run, verdict):
    if run.waited_for_cpu_s > STALL_S:
        each.disturbed(f"Its threads waited {run.waited_for_cpu_s:.3f} s for a CPU")
    elif verdict.wrong:
        each.false("; ".join(verdict.wrong))
    elif not verdict.short:
        each.exact()
    elif verdict.counts:
        each.short("; ".join(verdict.short))
    else:
        each.disturbed("; ".join(verdict.short))
