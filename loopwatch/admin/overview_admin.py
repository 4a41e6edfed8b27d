"""Shows the overview of the site, above single findings."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from loopwatch.admin.event_links import events_url, findings_url, route_url
from loopwatch.admin.first_run import first_run
from loopwatch.admin.missing_data import missing_data
from loopwatch.admin.overview_chart import DrawnBar, chart_of, marks_of, peak_label
from loopwatch.admin.read_only import ReadOnlyAdmin
from loopwatch.admin.release_page import release_page
from loopwatch.admin.time_range import range_query, time_range
from loopwatch.conf import configuration
from loopwatch.models import BlockingEvent, Finding, Overview, ProcessHealth, ThreadWaitTotal
from loopwatch.reporting.overview import OverviewFigures, overview_figures
from loopwatch.reporting.overview.processes import SHOWN as PROCESSES_SHOWN
from loopwatch.reporting.overview.processes import ProcessTimes
from loopwatch.reporting.overview.releases import ReleaseBegin
from loopwatch.reporting.overview.routes import RouteFigures
from loopwatch.reporting.overview.time_axis import DAY, has_hours, has_minutes
from loopwatch.reporting.recording_health import errors_in_words
from loopwatch.reporting.route_report import route_report
from loopwatch.stored_time import whole_hour


@admin.register(Overview)
class OverviewAdmin(ReadOnlyAdmin):
    """Shows a page instead of a list, to users who may view findings."""

    styles = (*ReadOnlyAdmin.styles, "loopwatch/overview.css")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.shows(request, Finding)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return self.shows(request, Finding)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.overview_view), name="loopwatch_overview_changelist"),
            path("releases/", wrap(self.releases_view), name="loopwatch_overview_releases"),
            path("route/", wrap(self.route_view), name="loopwatch_overview_route"),
        ]

    def overview_view(self, request: HttpRequest) -> HttpResponse:
        """Show the page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Overview"),
            "opts": self.opts,
            "media": self.media,
            **self.overview_context(request),
        }
        return TemplateResponse(request, "loopwatch/overview.html", context)

    def releases_view(self, request: HttpRequest) -> HttpResponse:
        """Compare the releases ``before`` and ``after`` of the query string."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        page = release_page(request.GET.get("before"), request.GET.get("after"), configuration().database)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Releases compared"),
            "opts": self.opts,
            "media": self.media,
            "tabs": self.tabs(request),
            "page": page,
            "releases": [page.before, page.after],
        }
        return TemplateResponse(request, "loopwatch/release_page.html", context)

    def route_view(self, request: HttpRequest) -> HttpResponse:
        """Show the page of the route and method in the query string, to users who may also view events."""
        if not (self.has_view_permission(request) and self.shows(request, BlockingEvent)):
            raise PermissionDenied
        method, route = (request.GET.get(name, "").replace("\0", "") for name in ("method", "route"))
        shown = time_range(request.GET, datetime.now(UTC))
        report = route_report(method, route, shown.axis, configuration().database)
        name = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": f"{method} {route}".strip() or _("no route"),
            "opts": self.opts,
            "media": self.media,
            "tabs": self.tabs(request),
            **self.range_context(request, shown),
            "report": report,
            "findings_url": findings_url(name, method, route),
            "victims": [
                (f"{each} {other}".strip() or _("no route"), route_url(name, each, other, shown.query), requests)
                for each, other, requests in report.delays.victims
            ],
        }
        return TemplateResponse(request, "loopwatch/route.html", context)

    def overview_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the overview shows, also on the index. An unknown span is replaced by the default one."""
        now = datetime.now(UTC)
        shown = time_range(request.GET, now)
        found = overview_figures(shown.axis, using=configuration().database)
        chart = chart_of(found)
        peaks = found.timeline
        bars = list(zip(chart.bars, self._bar_urls(request, chart.bars, now), strict=True))
        return {
            "tabs": self.tabs(request, {Finding: found.worst.open, ProcessHealth: found.health.processes}),
            "span": shown.axis.span,
            **self.range_context(request, shown),
            "overview": found,
            "chart": chart,
            "marks": marks_of(found, self._release_url),
            "bars": bars,
            "most_blocked": peak_label(peaks.most_blocked) if peaks.most_blocked else "",
            "worst_pause": peak_label(peaks.worst_pause) if peaks.worst_pause else "",
            "busiest": peak_label(peaks.busiest) if peaks.busiest else "",
            "missing": missing_data() if not found.processes else None,
            "steps": [] if found.processes or found.worst.open else list(first_run()),
            "shows_events": self.shows(request, BlockingEvent),
            "table": [(bar, url) for bar, url in reversed(bars) if not bar.is_empty],
            "processes": list(self._processes(request, found)),
            "routes": self._with_urls(request, found.routes.rows, shown.query),
            "more_processes": len(found.processes) > PROCESSES_SHOWN,
            "errors": errors_in_words(found.health.errors),
            "has_losses": found.health.has_losses,
            "shows_processes": self.shows(request, ProcessHealth),
            "shows_thread_waits": self.shows(request, ThreadWaitTotal),
        }

    def _release_url(self, begin: ReleaseBegin) -> str:
        """Return the address of the comparison of a release with the one before it; empty if that is unknown."""
        query = urlencode({"before": begin.before, "after": begin.name})
        return f"{reverse(f'{self.admin_site.name}:loopwatch_overview_releases')}?{query}" if begin.before else ""

    def _processes(self, request: HttpRequest, found: OverviewFigures) -> Iterator[tuple[ProcessTimes, str]]:
        """Yield the processes to show, each with the URL of its events, as ``_events_urls`` does."""
        shows_events = self.shows(request, BlockingEvent)
        for each in found.processes[:PROCESSES_SHOWN]:
            of_process: dict[str, str | int] = {"host": each.host, "process_id": each.process_id}
            url = events_url(self.admin_site.name, found.axis.begin, found.axis.end, of_process)
            yield each, url if shows_events and each.events else ""

    def _with_urls(
        self, request: HttpRequest, routes: Sequence[RouteFigures], period: str
    ) -> list[tuple[RouteFigures, str]]:
        """Return the routes, each with the URL of its page; of its findings if the user may not view events."""
        name, shows_events = self.admin_site.name, self.shows(request, BlockingEvent)
        return [
            (
                each,
                route_url(name, each.method, each.route, period)
                if shows_events or not each.route
                else findings_url(name, each.method, each.route),
            )
            for each in routes
        ]

    def _bar_urls(self, request: HttpRequest, bars: list[DrawnBar], now: datetime) -> Iterator[str]:
        """Yield the URL of each bar: the bar in smaller ones, if there are any, or else its events.

        The URL is empty if there are no events, or the user may not view them.
        """
        shows_events = self.shows(request, BlockingEvent)
        for drawn in bars:
            start, end = drawn.bar.start, drawn.bar.end
            if drawn.is_empty:
                yield ""
            elif end - start >= DAY and has_hours(start, now):
                yield f"?{range_query(start, end)}"
            elif timedelta(minutes=1) < end - start < DAY and has_minutes(start, now):
                yield f"?{range_query(whole_hour(start), whole_hour(start) + timedelta(hours=1))}"
            else:
                yield events_url(self.admin_site.name, start, end) if shows_events and drawn.bar.impact.events else ""
