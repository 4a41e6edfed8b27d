"""Shows the health of loopwatch itself: one row per process that has written within the last days."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from loopwatch import html_cells
from loopwatch.admin.exports import ListExports
from loopwatch.admin.exports.columns import PROCESS
from loopwatch.models import BlockingEvent, ProcessHealth
from loopwatch.reporting.recording_health import errors_in_words
from loopwatch.wording.durations import human_duration


@admin.register(ProcessHealth)
class ProcessHealthAdmin(ListExports):
    list_display = ("process", "release", "watching", "written", "seen", "stored", "dropped", "failures", "cost")
    ordering = ("-reported_at",)
    search_fields = ("host", "release")
    change_form_template = "loopwatch/process.html"
    export_columns = PROCESS
    file_name = "loopwatch-processes"
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("host", "process_id", "release", "since", "reported_at")}),
        (
            _("Stalls"),
            {"fields": ("seen", "unexamined", "stored", "thinned", "withheld", "dropped", "undelivered", "pending")},
        ),
        (_("loopwatch itself"), {"fields": ("failures", "last_error", "cost")}),
    )
    readonly_fields = ("failures", "cost")

    @admin.display(description=_("process"), ordering="host")
    def process(self, health: ProcessHealth) -> str:
        return str(health)

    @admin.display(description=_("watching since"), ordering="since")
    def watching(self, health: ProcessHealth) -> SafeString:
        return html_cells.moment(health.since)

    @admin.display(description=_("last written"), ordering="reported_at")
    def written(self, health: ProcessHealth) -> SafeString:
        return html_cells.moment(health.reported_at)

    @admin.display(description=_("errors"), empty_value="–")
    def failures(self, health: ProcessHealth) -> str:
        return errors_in_words(health.errors)

    @admin.display(description=_("CPU time"))
    def cost(self, health: ProcessHealth) -> str:
        """Show the CPU time and its share of one core, from the start of watching to the last report."""
        watched_ms = (health.reported_at - health.since).total_seconds() * 1000
        share = health.cpu_ms / watched_ms if watched_ms > 0 else 0.0
        return f"{human_duration(health.cpu_ms)} ({share * 100:.2g} %)"

    def page_context(self, request: HttpRequest, row: ProcessHealth) -> dict[str, Any]:  # noqa: ARG002
        return {"title": _("Process"), "shows_events": self.shows(request, BlockingEvent)}
