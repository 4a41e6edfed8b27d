"""Makes up a day before today, of what the demo's traffic has left: for the documentation's pictures of trends."""

import os
import random
import socket
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from loopwatch.histogram import column_for
from loopwatch.models import Finding, HourlyTotal, LoopTime, RouteTotal

PROCESSES = 2
ROUTES_WAITING = (("GET", "books/<slug:slug>/"), ("GET", "search/"), ("WebSocket", "ws/chat/<slug:room>/"))
RUSH_HOURS = (8, 12, 17)
RUSH_MINUTES = range(5, 25)
COUNTS = ("events", "blocked_us", "requests_delayed", "delay_us")

Key = tuple[Any, ...]


class Past:
    """Sums that become rows; durations stay below what was measured, so that the real events stay the slowest."""

    def __init__(self, choose: random.Random) -> None:
        self._choose = choose
        self._now = datetime.now(UTC).replace(second=0, microsecond=0)
        self._since = self._now - timedelta(days=1)
        self._hours = defaultdict[Key, Counter[str]](Counter)
        self._routes = defaultdict[Key, Counter[str]](Counter)
        self._loops = defaultdict[Key, Counter[str]](Counter)
        self._findings = defaultdict[int, Counter[str]](Counter)

    def happen(self) -> None:
        """Let the day pass, minute by minute."""
        kinds = list(HourlyTotal.objects.order_by("pk"))
        for minute in self._minutes():
            is_rush = minute.hour in RUSH_HOURS and minute.minute in RUSH_MINUTES
            is_day = 7 <= minute.hour <= 22
            for process in range(PROCESSES):
                busy_us = round(60e6 * self._choose.uniform(0.02, 0.07) * (3 if is_day else 1))
                for minutes, start in ((1, minute), (60, minute.replace(minute=0))):
                    self._loops[minutes, start, process]["busy_us"] += busy_us
            for kind in kinds[:3] if is_rush else kinds:
                if self._choose.random() < (0.7 if is_rush else 0.02 if is_day else 0.002):
                    self._stall(kind, minute, self._choose.randrange(PROCESSES))

    def save(self) -> None:
        """Write it down."""
        for (finding_id, hour, method, route), sums in self._hours.items():
            _add(HourlyTotal, sums, finding_id=finding_id, hour=hour, method=method, route=route, release="")
        for (hours, start, method, route), sums in self._routes.items():
            _add(RouteTotal, sums, hours=hours, start=start, method=method, route=route)
        LoopTime.objects.bulk_create(
            LoopTime(
                minutes=key[0], start=key[1], host=socket.gethostname(), process_id=os.getppid() + key[2],
                since=self._since, **sums,
            )
            for key, sums in self._loops.items()
        )  # fmt: skip
        for pk, sums in self._findings.items():
            Finding.objects.filter(pk=pk).update(first_seen=self._since, **_added(sums))

    def _minutes(self) -> Iterator[datetime]:
        last = self._now.replace(minute=0)
        for number in range(round((last - self._since) / timedelta(minutes=1))):
            yield self._since + timedelta(minutes=number)

    def _stall(self, kind: HourlyTotal, minute: datetime, process: int) -> None:
        duration_us = round(kind.longest_us * self._choose.uniform(0.4, 0.9))
        waiting = self._choose.randrange(12)
        figures = Counter(dict(zip(COUNTS, (1, duration_us, waiting, waiting * duration_us), strict=True)))
        hour = minute.replace(minute=0)
        self._findings[kind.finding_id].update(figures)
        total = self._hours[kind.finding_id, hour, kind.method, kind.route]
        total.update(figures)
        total[column_for(duration_us / 1000)] += 1
        total["longest_us"] = max(total["longest_us"], duration_us)
        for hours, start in ((1, hour), (24, hour.replace(hour=0))):
            self._routes[hours, start, kind.method, kind.route].update(figures)
            for _ in range(waiting):
                route = (hours, start, *self._choose.choice(ROUTES_WAITING))
                self._routes[route].update({"waits": 1, "waited_us": duration_us})
        for minutes, start in ((1, minute), (60, hour)):
            row = self._loops[minutes, start, process]
            row.update(figures)
            row["busy_us"] += duration_us
            row["longest_us"] = max(row["longest_us"], duration_us)


def _add(model: type[HourlyTotal | RouteTotal], sums: Counter[str], **key: Any) -> None:
    """Add to a row of counters; the demo's own traffic may have made it, such as the total of today."""
    row, is_new = model.objects.get_or_create(**key, defaults=sums)
    if not is_new:
        model.objects.filter(pk=row.pk).update(**_added(sums))


def _added(sums: Counter[str]) -> dict[str, Any]:
    return {
        column: Greatest(column, Value(figure)) if column == "longest_us" else F(column) + figure
        for column, figure in sums.items()
    }


def make_past() -> None:
    """Add the day to the store."""
    past = Past(random.Random(11))
    past.happen()
    with transaction.atomic():
        past.save()
