"""Shows the list of blocking events and the page of one, both reached from their finding."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from loopwatch import html_cells
from loopwatch.admin.event_page import event_page
from loopwatch.admin.exports import FlameExports
from loopwatch.admin.exports.columns import EVENT
from loopwatch.admin.filters import CauseFilter
from loopwatch.admin.stored_share import stored_share
from loopwatch.admin.time_range import carried
from loopwatch.admin.timed_lists import EventChangeList
from loopwatch.conf import configuration
from loopwatch.models import BlockingEvent, Finding
from loopwatch.wording.findings import besides, calls_seen, cause_label, cause_meaning


@admin.register(BlockingEvent)
class BlockingEventAdmin(FlameExports):
    list_display = ("started", "duration", "call", "request", "delayed", "host", "release")
    list_filter = (CauseFilter, "exact")
    list_select_related = ("finding",)
    ordering = ("-started_at",)
    change_form_template = "loopwatch/event.html"
    change_list_template = "loopwatch/event_list.html"
    changelist = EventChangeList
    export_columns = EVENT
    file_name = "loopwatch-events"

    @admin.display(description=_("started"), ordering="started_at")
    def started(self, event: BlockingEvent) -> SafeString:
        return html_cells.instant(event.started_at)

    @admin.display(description=_("duration"), ordering="duration_us")
    def duration(self, event: BlockingEvent) -> SafeString:
        return html_cells.duration(event.duration_us)

    @admin.display(description=_("blocking call"))
    def call(self, event: BlockingEvent) -> SafeString:
        return html_cells.call_and_place(event)

    @admin.display(description=_("request"))
    def request(self, event: BlockingEvent) -> SafeString:
        return html_cells.request(event)

    @admin.display(description=_("requests delayed"), ordering=F("requests_delayed") + F("requests_kept_out"))
    def delayed(self, event: BlockingEvent) -> str:
        return html_cells.delayed(event.requests_delayed, event.requests_kept_out)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, and for a span of time how many of its stalls are in it."""
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            changelist: EventChangeList = response.context_data["cl"]
            response.context_data |= {
                "share": stored_share(changelist, self.database_for(request)),
                "events_per_finding": configuration().events_per_finding,
                "kept_days": configuration().events_kept_days,
            }
        return response

    def has_module_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Hide events from the index: users should start from findings, not from thousands of single events."""
        return False

    def events_of(self, rows: QuerySet[BlockingEvent]) -> QuerySet[BlockingEvent]:
        return rows

    def page_context(self, request: HttpRequest, row: BlockingEvent) -> dict[str, Any]:
        return {
            "title": _("Blocking event"),
            "page": event_page(row),
            "cause": cause_label(row.cause),
            "cause_meaning": cause_meaning(row.cause),
            "calls_seen": calls_seen(row),
            "besides": besides(row),
            "period": urlencode(carried(request.GET)),
            "shows_finding": self.shows(request, Finding),
            "previous": self._neighbours(row, "lt").order_by("-started_at", "-pk").first(),
            "next": self._neighbours(row, "gt").order_by("started_at", "pk").first(),
        }

    @staticmethod
    def _neighbours(event: BlockingEvent, side: str) -> QuerySet[BlockingEvent, int]:
        """Return the ids of the finding's events before (``"lt"``) or after (``"gt"``) this one."""
        at_once = Q(started_at=event.started_at, **{f"pk__{side}": event.pk})
        beyond = Q(**{f"started_at__{side}": event.started_at})
        return event.finding.blocking_events.filter(at_once | beyond).values_list("pk", flat=True)
