"""Shows what waited for a thread, and what held the thread meanwhile."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from loopwatch.admin.missing_data import missing_data
from loopwatch.admin.read_only import ReadOnlyAdmin
from loopwatch.admin.time_range import time_range
from loopwatch.conf import configuration
from loopwatch.models import LoopTime, ThreadWaitTotal
from loopwatch.reporting.thread_waits import wait_sums
from loopwatch.stored_time import as_stored

SHOWN = 200


@admin.register(ThreadWaitTotal)
class ThreadWaitAdmin(ReadOnlyAdmin):
    """Shows a page instead of a list, because the rows are totals of single hours."""

    styles = (*ReadOnlyAdmin.styles, "loopwatch/overview.css")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def get_urls(self) -> list[URLPattern]:
        return [path("", self.admin_site.admin_view(self.page_view), name="loopwatch_threadwaittotal_changelist")]

    def page_view(self, request: HttpRequest) -> HttpResponse:
        """Show the page of the span, or of the time from one moment to another, that the query string names."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        shown = time_range(request.GET, datetime.now(UTC))
        begin = shown.axis.begin
        sums = wait_sums(begin, configuration().database, shown.axis.end)
        is_measured = configuration().thread_waits
        context = {
            **self.admin_site.each_context(request),
            "title": _("Thread waits"),
            "opts": self.opts,
            "tabs": self.tabs(request),
            "media": self.media,
            "span": shown.axis.span,
            **self.range_context(request, shown),
            "begin": begin,
            "kept_days": configuration().events_kept_days,
            "sums": sums[:SHOWN],
            "is_measured": is_measured,
            "missing": missing_data() if is_measured and not sums and not self._has_reports(begin) else None,
            "left_out": max(0, len(sums) - SHOWN),
            "waits": sum(each.waits for each in sums),
            "waited_us": sum(each.waited_us for each in sums),
            "longest_us": max((each.longest_us for each in sums), default=0),
            "most_waiting": max((each.most_waiting for each in sums), default=0),
            "threads": ThreadWaitTotal.Thread,
        }
        return TemplateResponse(request, "loopwatch/thread_waits.html", context)

    def _has_reports(self, since: datetime) -> bool:
        """Return whether any process has reported since then, so that no wait means that there was none."""
        return LoopTime.objects.using(configuration().database).filter(start__gte=as_stored(since)).exists()
