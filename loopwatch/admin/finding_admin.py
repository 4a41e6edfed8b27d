"""Shows the list of findings and the page of one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.text import unescape_string_literal
from django.utils.translation import gettext_lazy as _

from loopwatch import html_cells
from loopwatch.admin.event_links import OF_FINDING, events_url
from loopwatch.admin.exports import COMPARED, FlameExports, compared_releases
from loopwatch.admin.exports.columns import FINDING
from loopwatch.admin.filters import CauseFilter, StatusFilter
from loopwatch.admin.finding_page import finding_page
from loopwatch.admin.read_only import searched_words
from loopwatch.admin.row_locks import locked
from loopwatch.admin.sparkline import sparkline
from loopwatch.admin.time_range import carried, chosen_range
from loopwatch.admin.timed_lists import FindingChangeList
from loopwatch.admin.triage_admin import TriageAdmin
from loopwatch.models import BlockingEvent, Finding, HourlyTotal
from loopwatch.reporting.as_markdown import finding_markdown
from loopwatch.reporting.finding_report import FindingFigures, reported
from loopwatch.reporting.overview.worst_findings import total_us
from loopwatch.reporting.selection import ALL, Selection
from loopwatch.wording.findings import besides, calls_seen, cause_label, cause_meaning


@admin.register(Finding)
class FindingAdmin(TriageAdmin, FlameExports):
    list_display = ("call", "impact", "trend", "number", "delayed", "routes", "last", "status_now")
    list_filter = (StatusFilter, CauseFilter, "exact")
    search_fields = ("blocking_call", "called_name", "function", "filename")
    search_help_text = _("Part of a call, a function, a file or a route.")
    ordering: ClassVar[Any] = (total_us().desc(), "-pk")
    list_per_page = 50
    change_form_template = "loopwatch/finding.html"
    changelist = FindingChangeList
    export_columns = FINDING
    file_name = "loopwatch-findings"

    @admin.display(description=_("blocking call"), ordering="blocking_call")
    def call(self, finding: Finding) -> SafeString:
        return html_cells.call_and_place(finding, html_cells.badge(finding)) + html_cells.status_note(finding)

    @admin.display(description=_("status"), ordering="status")
    def status_now(self, finding: Finding) -> SafeString:
        return html_cells.status(finding)

    @admin.display(description=_("impact"), ordering=total_us())
    def impact(self, finding: Finding) -> SafeString:
        return html_cells.impact(finding)

    @admin.display(description=_("trend"))
    def trend(self, finding: Finding) -> SafeString:
        return sparkline(vars(finding)["heights"])

    @admin.display(description=_("events"), ordering="events")
    def number(self, finding: Finding) -> SafeString:
        return html_cells.events(finding)

    @admin.display(description=_("requests delayed"), ordering=F("delay_us") + F("kept_out_us"))
    def delayed(self, finding: Finding) -> SafeString:
        return html_cells.delay(finding)

    @admin.display(description=_("routes"))
    def routes(self, finding: Finding) -> SafeString:
        return html_cells.routes(vars(finding)["routes"])

    @admin.display(description=_("last seen"), ordering="last_seen")
    def last(self, finding: Finding) -> SafeString:
        return html_cells.seen(finding)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Leave the status out where all findings of the list have the same one."""
        has_all = request.GET.get(StatusFilter.parameter_name) == StatusFilter.ALL
        return self.list_display if has_all else self.list_display[:-1]

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[Finding],
        search_term: str,
    ) -> tuple[QuerySet[Finding], bool]:
        return _matching(queryset, search_term, self.search_fields), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.markdown_view)
        return [path("<int:pk>/markdown/", view, name="loopwatch_finding_markdown"), *super().get_urls()]

    def markdown_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return a finding as Markdown, to be pasted into an issue."""
        finding = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, finding):
            raise PermissionDenied
        figures = FindingFigures(pk, finding.last_seen, finding.impact)
        found = next(reported([figures], Selection(status=ALL, using=self.database_for(request))), None)
        if found is None:
            raise Http404("The finding has just been deleted.")
        url = request.build_absolute_uri(reverse(f"{self.admin_site.name}:loopwatch_finding_change", args=[pk]))
        headers = {"X-Content-Type-Options": "nosniff"}
        return HttpResponse(finding_markdown(found, url), "text/markdown; charset=utf-8", headers=headers)

    def events_of(self, rows: QuerySet[Finding]) -> QuerySet[BlockingEvent]:
        return BlockingEvent.objects.using(rows.db).filter(finding__in=rows.order_by().values("pk"))

    def page_context(self, request: HttpRequest, row: Finding) -> dict[str, Any]:
        shows_events = self.shows(request, BlockingEvent)
        events_of = partial(events_url, self.admin_site.name, filters={OF_FINDING: row.pk})
        shown = chosen_range(carried(request.GET), datetime.now(UTC))
        return {
            "title": _("Finding"),
            **self.range_context(request, shown, has_any_time=True),
            "page": finding_page(row, events_of if shows_events else None, shown.axis if shown else None),
            "shows_events": shows_events,
            "compared": compared_releases(request.GET),
            "kept_beside_releases": [each for each in request.GET.items() if each[0] not in COMPARED],
            "status": html_cells.status(row),
            "cause": cause_label(row.cause),
            "cause_meaning": cause_meaning(row.cause),
            "calls_seen": calls_seen(row),
            "besides": besides(row),
            "triage": self.triage_context(request, row),
        }

    def delete_model(self, request: HttpRequest, obj: Finding) -> None:
        self.delete_queryset(request, self.get_queryset(request).filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Finding]) -> None:
        """Delete findings that the recorder may be adding to."""
        with locked(Finding.objects.using(queryset.db).filter(pk__in=queryset.order_by().values("pk"))):
            super().delete_queryset(request, queryset)

    def get_deleted_objects(
        self, objs: QuerySet[Finding] | Sequence[Finding], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Count the rows that are deleted with the findings; Django would load and list thousands of them."""
        using = self.database_for(request)
        counts = {
            Finding: len(objs),
            BlockingEvent: BlockingEvent.objects.using(using).filter(finding__in=objs).count(),
            HourlyTotal: HourlyTotal.objects.using(using).filter(finding__in=objs).count(),
        }
        lacking = {
            str(model._meta.verbose_name)
            for model in (Finding, BlockingEvent)
            if self.admin_site.is_registered(model)
            and not self.admin_site.get_model_admin(model).has_delete_permission(request)
        }
        names = {str(model._meta.verbose_name_plural): count for model, count in counts.items()}
        return [str(finding) for finding in objs], names, lacking, []


def _matching(findings: QuerySet[Finding], search_term: str, columns: Sequence[str]) -> QuerySet[Finding]:
    """Return the findings that have every word in a column or a route."""
    for word in searched_words(search_term):
        findings = findings.filter(_anywhere(_unquoted(word), columns, findings.db))
    return findings


def _anywhere(word: str, columns: Sequence[str], using: str) -> Q:
    # A join would return one row for each hourly total, and need ``distinct()``.
    routes = HourlyTotal.objects.using(using).filter(Q(route__icontains=word) | Q(method__iexact=word))
    found = Q(pk__in=routes.values("finding"))
    for column in columns:
        found |= Q(**{f"{column}__icontains": word})
    return found


def _unquoted(word: str) -> str:
    is_quoted = len(word) > 1 and word[0] == word[-1] and word[0] in "\"'"
    return unescape_string_literal(word) if is_quoted else word
