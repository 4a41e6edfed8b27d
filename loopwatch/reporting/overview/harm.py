"""The findings and routes that did most harm, and the routes that suffered it.

Harm is what a stall cost all requests together: its own time, and the same again for every other one that waited.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Any

from django.db.models import Max, Sum

from loopwatch.models import Finding, HourlyTotal, RouteDelay
from loopwatch.reporting.overview.moments import as_stored

SHOWN = 8


@dataclass(frozen=True, slots=True)
class Harm:
    """What was done, by whomever, and which part of all harm that was."""

    events: int
    blocked_us: int
    requests_delayed: int
    delay_us: int
    longest_us: int
    share: float = 0.0

    @property
    def total_us(self) -> int:
        return self.blocked_us + self.delay_us


@dataclass(frozen=True, slots=True)
class HarmfulFinding:
    finding: Finding
    harm: Harm


@dataclass(frozen=True, slots=True)
class HarmfulRoute:
    """Method and route are both empty for what happened outside of known routes."""

    method: str
    route: str
    harm: Harm


@dataclass(frozen=True, slots=True)
class SufferingRoute:
    method: str
    route: str
    requests_delayed: int
    delay_us: int
    longest_us: int
    share: float


@dataclass(frozen=True, slots=True)
class Harms:
    """The most harmful first. ``ignored`` counts findings that are left out because somebody ignores them."""

    findings: list[HarmfulFinding]
    ignored: int
    total: Harm


def harmful_findings(since: datetime, using: str | None) -> Harms:
    """Those of the hours from ``since`` on, in three queries."""
    by_finding = _harms(since, ("finding_id",), using)
    ignored = set(Finding.objects.using(using).filter(status=Finding.Status.IGNORED).values_list("pk", flat=True))
    ids = [key[0] for key in by_finding if key[0] not in ignored][:SHOWN]
    findings = Finding.objects.using(using).in_bulk(ids)
    return Harms(
        # A finding may have been deleted since its figures were read.
        findings=[HarmfulFinding(findings[pk], by_finding[pk,]) for pk in ids if pk in findings],
        ignored=sum(key[0] in ignored for key in by_finding),
        total=_total(by_finding.values()),
    )


def harmful_routes(since: datetime, using: str | None) -> list[HarmfulRoute]:
    """In whose requests the stalls were, in one query."""
    by_route = _harms(since, ("method", "route"), using)
    return [HarmfulRoute(method, route, harm) for (method, route), harm in islice(by_route.items(), SHOWN)]


def suffering_routes(since: datetime, using: str | None) -> list[SufferingRoute]:
    """Whose requests waited, in one query."""
    delays = RouteDelay.objects.using(using).filter(hour__gte=as_stored(since)).values_list("method", "route")
    rows = list(delays.annotate(Sum("requests_delayed"), Sum("delay_us"), Max("longest_us")).order_by())
    all_us = sum(delay_us for _, _, _, delay_us, _ in rows) or 1
    return [
        SufferingRoute(method, route, requests, delay_us, longest_us, delay_us / all_us)
        for method, route, requests, delay_us, longest_us in sorted(rows, key=lambda row: (-row[3], row[:2]))[:SHOWN]
    ]


def _harms(since: datetime, columns: tuple[str, ...], using: str | None) -> dict[tuple[Any, ...], Harm]:
    totals = HourlyTotal.objects.using(using).filter(hour__gte=as_stored(since)).values_list(*columns)
    rows = totals.annotate(
        Sum("events"), Sum("blocked_us"), Sum("requests_delayed"), Sum("delay_us"), Max("longest_us")
    ).order_by()
    harms = {tuple(row[: len(columns)]): Harm(*row[len(columns) :]) for row in rows}
    all_us = sum(harm.total_us for harm in harms.values()) or 1
    ordered = sorted(harms.items(), key=lambda item: (-item[1].total_us, item[0]))
    return {key: replace(harm, share=harm.total_us / all_us) for key, harm in ordered}


def _total(harms: Iterable[Harm]) -> Harm:
    harms = list(harms)
    return Harm(
        events=sum(map(attrgetter("events"), harms)),
        blocked_us=sum(map(attrgetter("blocked_us"), harms)),
        requests_delayed=sum(map(attrgetter("requests_delayed"), harms)),
        delay_us=sum(map(attrgetter("delay_us"), harms)),
        longest_us=max(map(attrgetter("longest_us"), harms), default=0),
        share=1.0,
    )
