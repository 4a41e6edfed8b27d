"""Restricts a list to the time in its address, which every link of the list keeps."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.expressions import Combinable
from django.http import HttpRequest

from loopwatch.admin.sparkline import HOUR, WEEK, heights_of
from loopwatch.admin.time_range import PARAMETERS, TimeRange, chosen_range
from loopwatch.impact import NO_IMPACT
from loopwatch.models import BlockingEvent, Finding, HourlyTotal
from loopwatch.reporting.overview.worst_findings import total_us
from loopwatch.reporting.route_impacts import lately, routes_of
from loopwatch.stored_time import as_stored, whole_hour

_LONGEST_SUMMED = timedelta(days=32)
_ORDERED_BY: Mapping[str, Combinable] = {
    "impact": total_us(),
    "number": F("events"),
    "delayed": F("requests_delayed") + F("requests_kept_out"),
}
"""What the figures of a time are ordered by."""


class TimedChangeList(ChangeList):
    """Reads the time. ``range`` is ``None`` for a list of any time."""

    is_timed = is_exact = is_summed_up = False
    range: TimeRange | None = None

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in PARAMETERS}

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str | None] | None = None) -> QuerySet[Any]:
        self.range = chosen_range(request.GET.dict(), datetime.now(UTC), is_exact=self.is_exact)
        rows = super().get_queryset(request, exclude_parameters)
        return self.within(rows, self.range) if self.range else rows

    def within(self, rows: QuerySet[Any], chosen: TimeRange) -> QuerySet[Any]:  # noqa: ARG002
        """Return the rows of a time; by default all of them."""
        return rows


class EventChangeList(TimedChangeList):
    """Lists the events that started within the time, to the minute, without their large columns."""

    is_timed = is_exact = True

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[BlockingEvent]:
        return super().get_queryset(request, exclude_parameters).defer("stacks", "contributions")

    def within(self, rows: QuerySet[BlockingEvent], chosen: TimeRange) -> QuerySet[BlockingEvent]:
        return rows.filter(started_at__gte=as_stored(chosen.begin), started_at__lt=as_stored(chosen.end))


class FindingChangeList(TimedChangeList):
    """Lists the findings with stalls within the time, with the figures of its hours.

    Of any time, and of a time whose hours are too many to be added up, it has the figures of all time. One query each
    looks up the routes and the trends of a page.
    """

    is_timed = is_summed_up = True

    @property
    def summed(self) -> TimeRange | None:
        """The time whose hours are added up."""
        return self.range if self.range and self.range.axis.length <= _LONGEST_SUMMED else None

    def within(self, rows: QuerySet[Finding], chosen: TimeRange) -> QuerySet[Finding]:
        happened = Exists(self._hours(chosen).filter(finding=OuterRef("pk")))
        begin, end = as_stored(chosen.axis.begin), as_stored(chosen.axis.end)
        return rows.filter(happened, last_seen__gte=begin, first_seen__lt=end)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Finding]) -> Any:
        if self.summed and ORDER_VAR not in self.params:
            return [self._summed("impact", self.summed).desc(), "-pk"]
        return super().get_ordering(request, queryset)

    def get_ordering_field(self, field_name: Any) -> Any:
        if self.summed and field_name in _ORDERED_BY:
            return self._summed(field_name, self.summed)
        return super().get_ordering_field(field_name)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = findings = list(self.result_list)
        if summed := self.summed:
            begin, end = summed.axis.begin, summed.axis.end
            totals = self._hours(summed).filter(finding__in=[finding.pk for finding in findings])
        else:
            end = whole_hour(datetime.now(UTC)) + HOUR
            begin = end - WEEK
            # The index finds each finding's own week; the week of all findings would be thousands of rows.
            totals = lately(HourlyTotal.objects.using(self.queryset.db), findings)
        routes, heights = routes_of(totals), heights_of(totals, begin, end)
        for finding in findings:
            of_finding = routes.get(finding.pk, [])
            vars(finding).update(routes=of_finding, heights=heights.get(finding.pk, []))
            if summed:
                vars(finding).update(sum((each.impact for each in of_finding), NO_IMPACT).columns())

    def _hours(self, chosen: TimeRange) -> QuerySet[HourlyTotal]:
        begin, end = as_stored(chosen.axis.begin), as_stored(chosen.axis.end)
        return HourlyTotal.objects.using(self.root_queryset.db).filter(hour__gte=begin, hour__lt=end)

    def _summed(self, figure: str, chosen: TimeRange) -> Subquery:
        of_finding = self._hours(chosen).filter(finding=OuterRef("pk")).order_by().values("finding")
        return Subquery(of_finding.annotate(figure=Sum(_ORDERED_BY[figure])).values("figure"))
