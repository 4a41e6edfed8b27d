"""The list of findings, and the page of one."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from loopwatch import cells
from loopwatch.admin.causes import cause_label, cause_meaning
from loopwatch.admin.exports import FlameExports
from loopwatch.admin.exports.columns import FINDING
from loopwatch.admin.filters import CauseFilter, StatusFilter
from loopwatch.admin.finding_page import finding_page
from loopwatch.admin.search import matching
from loopwatch.admin.triage import change_status
from loopwatch.conf import configuration
from loopwatch.models import BlockingEvent, Finding, HourlyTotal
from loopwatch.reporting.routes import lately, routes_of

Status = Finding.Status


class FindingChangeList(ChangeList):
    """Looks up at once on which routes the findings of a page happened lately."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = findings = list(self.result_list)
        routes = routes_of(lately(HourlyTotal.objects.using(self.queryset.db), findings))
        for finding in findings:
            vars(finding)["routes"] = routes.get(finding.pk, [])


@admin.register(Finding)
class FindingAdmin(FlameExports):
    list_display = ("call", "number", "blocked", "longest", "delayed", "routes", "first", "last", "status_now")
    list_filter = (StatusFilter, CauseFilter, "last_seen")
    search_fields = ("blocking_call", "function", "filename")
    search_help_text = _("Part of a call, a function, a file or a route.")
    ordering = ("-blocked_us",)
    list_per_page = 50
    actions = ("resolve", "ignore", "reopen")
    change_form_template = "loopwatch/finding.html"
    export_columns = FINDING
    file_name = "loopwatch-findings"

    @admin.display(description=_("blocking call"), ordering="blocking_call")
    def call(self, finding: Finding) -> SafeString:
        return cells.call_and_place(finding)

    @admin.display(description=_("status"), ordering="status")
    def status_now(self, finding: Finding) -> SafeString:
        return cells.status(finding)

    @admin.display(description=_("blocked in total"), ordering="blocked_us")
    def blocked(self, finding: Finding) -> SafeString:
        return cells.duration(finding.blocked_us)

    @admin.display(description=_("events"), ordering="events")
    def number(self, finding: Finding) -> int:
        return finding.events

    @admin.display(description=_("longest"), ordering="longest_us")
    def longest(self, finding: Finding) -> SafeString:
        return cells.duration(finding.longest_us)

    @admin.display(description=_("requests delayed"), ordering="requests_delayed")
    def delayed(self, finding: Finding) -> int:
        return finding.requests_delayed

    @admin.display(description=_("routes"))
    def routes(self, finding: Finding) -> SafeString:
        return cells.routes(vars(finding)["routes"])

    @admin.display(description=_("first seen"), ordering="first_seen")
    def first(self, finding: Finding) -> SafeString:
        return cells.moment(finding.first_seen)

    @admin.display(description=_("last seen"), ordering="last_seen")
    def last(self, finding: Finding) -> SafeString:
        return cells.moment(finding.last_seen)

    @admin.action(permissions=["triage"], description=_("Resolve selected findings"))
    def resolve(self, request: HttpRequest, queryset: QuerySet[Finding]) -> None:
        self._change_status(request, queryset, Status.RESOLVED)

    @admin.action(permissions=["triage"], description=_("Ignore selected findings"))
    def ignore(self, request: HttpRequest, queryset: QuerySet[Finding]) -> None:
        self._change_status(request, queryset, Status.IGNORED)

    @admin.action(permissions=["triage"], description=_("Reopen selected findings"))
    def reopen(self, request: HttpRequest, queryset: QuerySet[Finding]) -> None:
        self._change_status(request, queryset, Status.OPEN)

    def has_triage_permission(self, request: HttpRequest) -> bool:
        """The permission to change findings, which here means their status."""
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002
        return FindingChangeList

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[Finding],
        search_term: str,
    ) -> tuple[QuerySet[Finding], bool]:
        return matching(queryset, search_term, self.search_fields), False

    def events_of(self, rows: QuerySet[Finding]) -> QuerySet[BlockingEvent]:
        return BlockingEvent.objects.using(rows.db).filter(finding__in=rows.order_by().values("pk"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.status_view)
        return [path("<int:finding_id>/status/", view, name="loopwatch_finding_status"), *super().get_urls()]

    def status_view(self, request: HttpRequest, finding_id: int) -> HttpResponse:
        """What the buttons of the finding's page send."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_triage_permission(request):
            raise PermissionDenied
        finding = get_object_or_404(self.get_queryset(request), pk=finding_id)
        status = request.POST.get("status")
        if status not in Status.values:
            return HttpResponseBadRequest(f"status must be one of {', '.join(Status.values)}")
        self._change_status(request, self.get_queryset(request).filter(pk=finding.pk), Status(status))
        return HttpResponseRedirect(self._page_url(request, finding))

    def page_context(self, request: HttpRequest, row: Finding) -> dict[str, Any]:
        shows_events = self.shows(request, BlockingEvent)
        return {
            "title": _("Finding"),
            "page": finding_page(row, with_events=shows_events),
            "shows_events": shows_events,
            "status": cells.status(row),
            "cause": cause_label(row.cause),
            "cause_meaning": cause_meaning(row.cause),
            "buttons": self._buttons(row) if self.has_triage_permission(request) else (),
        }

    def get_deleted_objects(
        self, objs: QuerySet[Finding] | Sequence[Finding], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Counts what goes with the findings: there may be thousands of rows, which Django would load and list."""
        using = configuration().database
        counts = {
            Finding: len(objs),
            BlockingEvent: BlockingEvent.objects.using(using).filter(finding__in=objs).count(),
            HourlyTotal: HourlyTotal.objects.using(using).filter(finding__in=objs).count(),
        }
        lacking = {
            str(model._meta.verbose_name)
            for model in (Finding, BlockingEvent)
            if not self.admin_site.get_model_admin(model).has_delete_permission(request)
        }
        names = {str(model._meta.verbose_name_plural): count for model, count in counts.items()}
        return [str(finding) for finding in objs], names, lacking, []

    @staticmethod
    def _buttons(finding: Finding) -> list[tuple[str, Promise]]:
        labels = {Status.RESOLVED: _("Resolve"), Status.IGNORED: _("Ignore"), Status.OPEN: _("Reopen")}
        return [(status.value, label) for status, label in labels.items() if status != finding.status]

    def _change_status(self, request: HttpRequest, findings: QuerySet[Finding], status: Finding.Status) -> None:
        count = change_status(findings, status, cast("AbstractBaseUser", request.user))
        text = ngettext("%(count)d finding is now %(status)s.", "%(count)d findings are now %(status)s.", count)
        self.message_user(request, text % {"count": count, "status": status.label}, messages.SUCCESS)

    def _page_url(self, request: HttpRequest, finding: Finding) -> str:
        url = reverse(f"{self.admin_site.name}:loopwatch_finding_change", args=[quote(finding.pk)])
        return add_preserved_filters({"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}, url)
