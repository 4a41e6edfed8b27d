"""Lists the pages of loopwatch, which every one of them shows as tabs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db.models import Model
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loopwatch.models import BlockingEvent, Finding, Live, Overview, ProcessHealth, ThreadWaitTotal

_LABELS: dict[type[Model], Promise] = {
    Overview: _("Overview"),
    Finding: _("Findings"),
    Live: _("Live"),
    ThreadWaitTotal: _("Thread waits"),
    ProcessHealth: _("Processes"),
}
Counts = Mapping[type[Model], int]


@dataclass(frozen=True, slots=True)
class Tab:
    """Links a page; ``count`` is how many rows it lists, ``None`` if it is no list."""

    label: Promise
    url: str
    count: int | None
    is_current: bool


def tabs(
    site_name: str, current: type[Model], shows: Callable[[type[Model]], bool], counts: Counts, period: str
) -> list[Tab]:
    """Return the tabs of all pages that ``shows`` allows. Events belong to the findings.

    ``period`` is the query string of a time, which every page keeps.
    """
    current = Finding if current is BlockingEvent else current
    return [
        Tab(
            label=label,
            url=reverse(f"{site_name}:loopwatch_{model._meta.model_name}_changelist") + (period and f"?{period}"),
            count=counts.get(model),
            is_current=model is current,
        )
        for model, label in _LABELS.items()
        if shows(model)
    ]


def stored_counts(using: str | None) -> Counts:
    """Count the open findings and the processes, by two queries."""
    findings = Finding.objects.using(using).filter(status=Finding.Status.OPEN)
    return {Finding: findings.count(), ProcessHealth: ProcessHealth.objects.using(using).count()}
