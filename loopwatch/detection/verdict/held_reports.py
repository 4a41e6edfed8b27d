"""Holds reports of stalls back until their backlogs are closed, and shares out the requests that the stalls kept out.

Runs on the watchdog's thread.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate, pairwise

from loopwatch.detection.calls import BlockingCall, KeptOut, Request
from loopwatch.detection.sampling.failures import Failures
from loopwatch.detection.timing.backlog import Backlog
from loopwatch.detection.timing.steps import StallSubscriber


class HeldReports:
    """The reports of the stalls of each open backlog, in the order in which the stalls ended."""

    def __init__(self, failures: Failures) -> None:
        self._failures = failures
        self._held = defaultdict[Backlog, list[tuple[StallSubscriber, BlockingCall]]](list)

    def __bool__(self) -> bool:
        return bool(self._held)

    def hold(self, backlog: Backlog, subscriber: StallSubscriber, call: BlockingCall) -> None:
        """Keep a report until ``release``."""
        self._held[backlog].append((subscriber, call))

    def release(self, backlog: Backlog | None = None) -> None:
        """Give out the reports of one backlog, or of all."""
        for each in list(self._held) if backlog is None else [backlog]:
            reports = self._held.pop(each, [])
            lengths_ms = [call.step_ms for _, call in reports]
            shares = shared(each.count, each.waited_s * 1000, lengths_ms, _described(each.asked))
            for (subscriber, call), kept_out in zip(reports, shares, strict=True):
                with self._failures.contained():
                    subscriber.receive(replace(call, kept_out=kept_out))


def shared(count: int, waited_ms: float, lengths_ms: list[float], described: tuple[Request, ...] = ()) -> list[KeptOut]:
    """Share out requests among stalls in proportion to their lengths, each request to one of the stalls."""
    total_ms = sum(lengths_ms)
    ends = [0, *(round(count * so_far_ms / total_ms) for so_far_ms in accumulate(lengths_ms))]
    return [
        KeptOut(end - begin, waited_ms * length_ms / total_ms, described if end > begin else ())
        for (begin, end), length_ms in zip(pairwise(ends), lengths_ms, strict=True)
    ]


def _described(asked: Iterable[Callable[[], Request]]) -> tuple[Request, ...]:
    described = list[Request]()
    for describe in list(asked):
        with suppress(Exception):  # the description is other people's code
            described.append(describe())
    return tuple(described)
