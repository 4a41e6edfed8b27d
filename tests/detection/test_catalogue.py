"""Every case of the catalogue, with both engines, on every loop, in the main thread and in another: what is told of it.

A case is run until it is told exactly; how often that takes is the machine's affair. In none of the runs may anything
false be said, on a busy machine neither; only runs whose threads waited longer for a CPU than a case blocks are not
judged.
"""

import itertools

import pytest

from loopwatch import watch
from loopwatch.detection import monitor
from tests.detection.catalogue.run import CASES, LOOPS, run_case
from tests.detection.catalogue.sizes import STALL_S
from tests.detection.catalogue.verdict import judge

pytestmark = pytest.mark.real_time

THRESHOLD_MS = 30.0
ENGINES = ("sampling", "tracing")
UNDISTURBED_RUNS = 5
"""So many of them, none of which is exact, are no accident."""
MOST_RUNS = 20


def runs():
    """All of them are in ``make catalogue``; ``make test`` takes one of each case, on this loop or that, sampled."""
    for number, case in enumerate(case for case in CASES if not case.known_limit):
        loops = [loop for loop in case.loops if loop in LOOPS]
        ways = list(itertools.product(case.threads, loops))
        for engine, (way, (thread, loop)) in itertools.product(ENGINES, enumerate(ways)):
            is_ordinary = engine == "sampling" and way == number % len(ways)
            marks = [] if is_ordinary else [pytest.mark.catalogue]
            yield pytest.param(case, loop, thread, engine, id=f"{case.name}-{loop}-{thread}-{engine}", marks=marks)


@pytest.mark.parametrize(("case", "loop", "thread", "engine"), list(runs()))
def test_catalogue(case, loop, thread, engine, monkeypatch):
    undisturbed, short = 0, ()
    for _ in range(MOST_RUNS):
        # What one run has taught the monitor is not to help the next.
        monkeypatch.setattr(monitor, "_monitor", monitor.Monitor())
        watcher = watch(threshold_ms=THRESHOLD_MS, engine=engine)
        run = run_case(case, watcher, loop, thread)
        assert run.truth.blocked or case.expected is None
        if run.waited_for_cpu_s > STALL_S:
            continue
        verdict = judge(case, run, watcher.calls, watcher.disturbances)
        assert not verdict.wrong, "\n".join(verdict.wrong)
        if not verdict.short:
            return
        undisturbed, short = undisturbed + verdict.counts, short + verdict.short
        assert undisturbed < UNDISTURBED_RUNS, "\n".join(short)
    pytest.skip(f"The machine disturbed {MOST_RUNS - undisturbed} of {MOST_RUNS} runs")
