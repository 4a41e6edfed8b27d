"""The addresses under which lists and flame graphs are exported, with the permissions of the pages they are of."""

from collections.abc import Callable
from typing import Any, ClassVar, Final

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse

from loopwatch.admin.exports.columns import Column, rows_of
from loopwatch.admin.exports.flames import COLLAPSED, SPEEDSCOPE, flame_response
from loopwatch.admin.exports.lines import csv_lines, json_lines
from loopwatch.admin.exports.streaming import streamed
from loopwatch.admin.read_only import ReadOnlyAdmin
from loopwatch.models import BlockingEvent
from loopwatch.reporting.flame import flame_of

EVENTS_MERGED: Final = 1_000
"""More events would change little in a flame graph, and would have to be read one by one."""
_LISTS: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "csv": (csv_lines, "text/csv; charset=utf-8"),
    "json": (json_lines, "application/json"),
}


class ExportsAdmin(ReadOnlyAdmin):
    """Every list as CSV and JSON, as it is filtered and ordered; the list's and each row's flame graph as files."""

    change_list_template = "loopwatch/change_list.html"
    export_columns: ClassVar[tuple[Column, ...]]

    def events_of(self, rows: QuerySet[Any]) -> QuerySet[BlockingEvent]:
        """The events that these rows stand for."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("export/<slug:form>/", view(self.export_view), name=f"{self._name}_export"),
            path("<int:pk>/flame/<slug:form>/", view(self.flame_view), name=f"{self._name}_flame"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        shown = {"shows_flames": self.shows(request, BlockingEvent)}
        return super().changelist_view(request, shown | (extra_context or {}))

    def export_view(self, request: HttpRequest, form: str) -> HttpResponse | StreamingHttpResponse:
        """The list that the query string filters, in one of the forms."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows: QuerySet[Any] = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            # As the list itself does: it then shows all, and says nothing.
            return HttpResponseRedirect(reverse(f"{self.admin_site.name}:{self._name}_changelist") + "?e=1")
        if form in (SPEEDSCOPE, COLLAPSED):
            return self._flame(request, self.events_of(rows), form, self._file_name)
        if form not in _LISTS:
            raise Http404(f"A list has no form {form!r}, only {', '.join([*_LISTS, SPEEDSCOPE, COLLAPSED])}.")
        lines_of, content_type = _LISTS[form]
        names = [column.name for column in self.export_columns]
        lines = lines_of(names, rows_of(rows, self.export_columns))
        return streamed(request, lines, filename=f"{self._file_name}.{form}", content_type=content_type)

    def flame_view(self, request: HttpRequest, pk: int, form: str) -> HttpResponse:
        """The flame graph of one row."""
        row: Model = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        events = self.events_of(self.get_queryset(request).filter(pk=pk))
        return self._flame(request, events, form, f"{self._file_name}-{pk}", str(row))

    def _flame(
        self, request: HttpRequest, events: QuerySet[BlockingEvent], form: str, name: str, title: str = ""
    ) -> HttpResponse:
        if not self.shows(request, BlockingEvent):
            raise PermissionDenied
        graph = flame_of(events.order_by("-started_at", "-pk"), EVENTS_MERGED)
        return flame_response(graph, form, name=name, title=title or str(self.opts.verbose_name_plural))

    @property
    def _name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    @property
    def _file_name(self) -> str:
        return f"loopwatch-{self.opts.model_name}s"
