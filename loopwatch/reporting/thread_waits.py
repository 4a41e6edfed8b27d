"""Sums up how long calls waited for a thread, and what held it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, QuerySet, Sum

from loopwatch.models import ThreadWaitTotal
from loopwatch.stored_time import as_stored


@dataclass(frozen=True, slots=True)
class ThreadWaitSum:
    """The waits of one route for one call that held its thread; unknown names are empty."""

    held_by: str
    thread: str
    held_for: str
    method: str
    route: str
    waits: int
    waited_us: int
    longest_us: int
    most_waiting: int
    threads: int
    threads_held: int

    @property
    def name(self) -> str:
        """The method and route of the request that waited."""
        return f"{self.method} {self.route}".strip()

    @property
    def waited_ms(self) -> float:
        return self.waited_us / 1000

    @property
    def longest_ms(self) -> float:
        return self.longest_us / 1000


@dataclass(frozen=True, slots=True)
class ReportedThreadWait:
    """All waits for one call that held a thread, or ``threads_held`` of several ``threads``.

    ``held_for`` and ``routes`` come with the most time waited first. ``most_waiting`` calls waited at the same time.
    """

    held_by: str
    thread: str
    held_for: tuple[str, ...]
    routes: tuple[str, ...]
    waits: int
    waited_ms: float
    longest_ms: float
    most_waiting: int
    threads: int
    threads_held: int


def wait_sums(since: datetime | None, using: str | None, until: datetime | None = None) -> list[ThreadWaitSum]:
    """Sum up the hours from ``since`` to ``until``, both aware, most time waited first, by one query."""
    totals: QuerySet[ThreadWaitTotal] = ThreadWaitTotal.objects.using(using)
    if since is not None:
        totals = totals.filter(hour__gte=as_stored(since))
    if until is not None:
        totals = totals.filter(hour__lt=as_stored(until))
    keys = ("held_by", "thread", "held_for", "method", "route")
    rows = totals.values_list(*keys).annotate(
        Sum("waits"),
        total_us=Sum("waited_us"),
        longest=Max("longest_us"),
        waiting=Max("most_waiting"),
        of_threads=Max("threads"),
        held=Max("threads_held"),
    )
    return [ThreadWaitSum(*row) for row in rows.order_by("-total_us", *keys)]


def reported_thread_waits(sums: Iterable[ThreadWaitSum]) -> list[ReportedThreadWait]:
    """Group the waits by the call that held the thread and by kind of thread, most time waited first."""
    members = defaultdict[tuple[str, str], list[ThreadWaitSum]](list)
    for each in sums:
        members[each.held_by, each.thread].append(each)
    reported = [_reported(*key, waits) for key, waits in members.items()]
    return sorted(reported, key=lambda wait: wait.waited_ms, reverse=True)


def _reported(held_by: str, thread: str, sums: list[ThreadWaitSum]) -> ReportedThreadWait:
    return ReportedThreadWait(
        held_by=held_by,
        thread=thread,
        held_for=_most_first((each.held_for, each.waited_us) for each in sums),
        routes=_most_first((each.name, each.waited_us) for each in sums),
        waits=sum(each.waits for each in sums),
        waited_ms=sum(each.waited_us for each in sums) / 1000,
        longest_ms=max(each.longest_us for each in sums) / 1000,
        most_waiting=max(each.most_waiting for each in sums),
        threads=max(each.threads for each in sums),
        threads_held=max(each.threads_held for each in sums),
    )


def _most_first(named: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    totals = defaultdict[str, int](int)
    for name, waited_us in named:
        if name:
            totals[name] += waited_us
    return tuple(sorted(totals, key=lambda name: (-totals[name], name)))
