"""Exports lists and flame graphs, with the permissions of the pages they belong to."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse

from loopwatch.admin.exports.columns import ExportColumn, rows_of
from loopwatch.admin.exports.flames import DRAWING, FILES, flame_response
from loopwatch.admin.exports.lines import csv_lines, json_lines
from loopwatch.admin.exports.streaming import streaming_response
from loopwatch.admin.read_only import ReadOnlyAdmin
from loopwatch.admin.time_range import carried, chosen_range
from loopwatch.models import BlockingEvent
from loopwatch.reporting.flame import FlameGraph, flame_of
from loopwatch.stored_time import as_stored

EVENTS_DRAWN, FRAMES_DRAWN = 50, 40_000
"""What a page merges within a few hundred milliseconds: with default settings, all stored events of a finding."""
EVENTS_IN_FILES: Final = 1_000
"""What a file merges. More events would change little in a flame graph, and must be read one by one."""
COMPARED: Final = ("before", "after")
"""The parameters of the releases that a drawing compares."""
_LISTS: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "csv": (csv_lines, "text/csv; charset=utf-8"),
    "json": (json_lines, "application/json"),
}


def compared_releases(query: Mapping[str, str]) -> list[str] | None:
    """Return the releases whose flame graphs an address compares, the earlier first; ``None`` if it names none."""
    if not set(COMPARED) <= set(query):
        return None
    return [query[side].replace("\0", "") for side in COMPARED]


class ListExports(ReadOnlyAdmin):
    """Exports a list as CSV and JSON, as it is filtered and ordered."""

    change_list_template = "loopwatch/change_list.html"
    export_columns: ClassVar[tuple[ExportColumn, ...]]
    file_name: ClassVar[str]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/<slug:file_format>/", view, name=f"{self._name}_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest, file_format: str) -> HttpResponse | StreamingHttpResponse:
        """Export the list that the query string filters."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows: QuerySet[Any] = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            # Redirect to the unfiltered list, as Django's own ``changelist_view`` does.
            return HttpResponseRedirect(reverse(f"{self.admin_site.name}:{self._name}_changelist") + "?e=1")
        return self.export_response(request, rows, file_format)

    def export_response(
        self, request: HttpRequest, rows: QuerySet[Any], file_format: str
    ) -> HttpResponse | StreamingHttpResponse:
        """Return the rows as a file. Raises ``Http404`` for an unknown format."""
        if file_format not in _LISTS:
            raise Http404(f"Unknown format {file_format!r} of this list.")
        lines_of, content_type = _LISTS[file_format]
        names = [column.name for column in self.export_columns]
        lines = lines_of(names, rows_of(rows, self.export_columns))
        return streaming_response(request, lines, filename=f"{self.file_name}.{file_format}", content_type=content_type)

    @property
    def _name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"


class FlameExports(ListExports):
    """Also exports the flame graphs of the list and of each row, to users who may view events."""

    def events_of(self, rows: QuerySet[Any]) -> QuerySet[BlockingEvent]:
        """Return the events of these rows."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.flame_view)
        return [path("<int:pk>/flame/<slug:file_format>/", view, name=f"{self._name}_flame"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        shown = {"shows_flames": self.shows(request, BlockingEvent)}
        return super().changelist_view(request, shown | (extra_context or {}))

    def export_response(
        self, request: HttpRequest, rows: QuerySet[Any], file_format: str
    ) -> HttpResponse | StreamingHttpResponse:
        if file_format in FILES:
            return self._flame(request, rows, file_format, self.file_name)
        return super().export_response(request, rows, file_format)

    def flame_view(self, request: HttpRequest, pk: int, file_format: str) -> HttpResponse:
        """Export the flame graph of one row."""
        row: Model = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        rows = self.get_queryset(request).filter(pk=pk)
        return self._flame(request, rows, file_format, f"{self.file_name}-{pk}", str(row))

    def _flame(
        self, request: HttpRequest, rows: QuerySet[Any], file_format: str, name: str, title: str = ""
    ) -> HttpResponse:
        if not self.shows(request, BlockingEvent):
            raise PermissionDenied
        events = self.events_of(rows).order_by("-started_at", "-pk")
        if shown := chosen_range(carried(request.GET), datetime.now(UTC)):
            begin, end = as_stored(shown.axis.begin), as_stored(shown.axis.end)
            events = events.filter(started_at__gte=begin, started_at__lt=end)
        title = title or str(self.opts.verbose_name_plural)
        if file_format != DRAWING:
            return flame_response(flame_of(events, EVENTS_IN_FILES), file_format, name=name, title=title)

        def drawn(events: QuerySet[BlockingEvent]) -> FlameGraph:
            return flame_of(events, EVENTS_DRAWN, FRAMES_DRAWN)

        releases = compared_releases(request.GET)
        if releases is None:
            return flame_response(drawn(events), file_format, name=name, title=title)
        before, after = (drawn(events.filter(release=release)) for release in releases)
        return flame_response(after, file_format, name=name, title=title, before=before)
