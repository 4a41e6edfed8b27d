"""Short rounds in which all variants take turns, each in a process of its own: the machine disturbs them alike.

Two processes that do the same differ by a per cent or two for as long as they live, by where their memory happens to
lie; so there are several generations of them, where such a difference matters.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from tests.benchmarks.figures import Figure, figure_of
from tests.benchmarks.variants import BARE, Variant
from tests.benchmarks.workloads.work import Measure, Workload

ROOT = Path(__file__).resolve().parents[2]
OTHERS_EVERY = 4
"""Other tools take part in every fourth round only: they cost so much that they need fewer."""
FEWEST_ROUNDS = 2
FEWEST_SERVED_ROUNDS = 6
WARMING_UP = 15
"""Loopwatch's tracer leaves alone what has proved quick; nobody else's has anything to learn."""

Answer = Any
"""What came out: a number, or one for each measure."""
Round = dict[str, Answer]
"""By variant."""
Generation = list[Round]
"""The rounds of the same processes."""


class WorkerError(Exception):
    """A process ended before it should. Its own words are on standard error."""


class Worker:
    """A process that does the work when asked."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin and process.stdout
        self._process = process
        self._ask: IO[str] = process.stdin
        self._answers: IO[str] = process.stdout

    def ask(self) -> None:
        self._ask.write("\n")
        self._ask.flush()

    def answer(self) -> Answer:
        line = self._answers.readline()
        if not line:
            raise WorkerError(f"{self._process.args[-2:]} has ended with {self._process.wait()}")
        return json.loads(line)


def measure(workload: Workload, variants: Sequence[Variant], seconds: float, generations: int = 1) -> list[Generation]:
    """Rounds for about that long; for no time at all, one by workers that are cold."""
    if workload.is_once or workload.at_once:
        generations = 1
    return [_generation(workload, variants, seconds / generations) for _ in range(generations)]


def _generation(workload: Workload, variants: Sequence[Variant], seconds: float) -> Generation:
    is_warm = seconds > 0 and not workload.is_once
    with ExitStack() as stack:
        workers = {
            each: stack.enter_context(
                _worker(workload.name, each.name, is_warm * _warming_up(workload, each)),
            )
            for each in variants
        }
        for each in workers.values():
            each.answer()  # that it is ready
        until, rounds = time.monotonic() + seconds, Generation()
        fewest = (FEWEST_SERVED_ROUNDS if workload.measures else FEWEST_ROUNDS) if is_warm else 1
        while len(rounds) < fewest or (time.monotonic() < until and not workload.is_once):
            with_others = len(rounds) % OTHERS_EVERY == 0
            turn = [each for each in workers if each is BARE or each.is_in_app or each.is_part or with_others]
            order = turn[len(rounds) % len(turn) :] + turn[: len(rounds) % len(turn)]
            rounds.append(_round({each: workers[each] for each in order}, at_once=workload.at_once))
    return rounds


def _warming_up(workload: Workload, variant: Variant) -> int:
    """A served page is asked for so often each time that once is enough."""
    return WARMING_UP if (variant.is_in_app or variant.is_part) and not workload.measures else 1


def _round(workers: Mapping[Variant, Worker], *, at_once: bool) -> Round:
    if at_once:
        for each in workers.values():
            each.ask()
        return {variant.name: each.answer() for variant, each in workers.items()}
    answers = {}
    for variant, each in workers.items():
        each.ask()
        answers[variant.name] = each.answer()
    return answers


def compared(workload: Workload, generations: Sequence[Generation]) -> dict[str, dict[str, Figure]]:
    """Each variant's figures, by the name of what is measured; bare's own too."""
    keys = [each.name for each in workload.measures] or [None]
    return {
        measure.name: {
            name: figure_of([_shown(measure, each, name, key) for each in generations]) for name in generations[0][0]
        }
        for measure, key in zip(workload.figures, keys, strict=True)
    }


def _shown(measure: Measure, rounds: Generation, name: str, key: str | None) -> list[float]:
    pairs = [(each[name], each[BARE.name]) for each in rounds if name in each]
    if key is not None:
        pairs = [(value[key], bare[key]) for value, bare in pairs]
    if key is not None and name == BARE.name:
        return [bare * 1000 for _, bare in pairs]
    return [measure.shown.figure(value, bare) for value, bare in pairs]


@contextmanager
def _worker(workload: str, variant: str, warming_up: int) -> Iterator[Worker]:
    command = [sys.executable, "-m", "tests.benchmarks.worker", workload, variant, str(warming_up)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Worker(process)
    finally:
        process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]
