"""Shows the live page, which its script fills from a WebSocket."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from loopwatch.admin.read_only import ReadOnlyAdmin
from loopwatch.conf import configuration
from loopwatch.live.readiness import readiness
from loopwatch.models import BlockingEvent, Finding, Live
from loopwatch.wording.findings import CAUSES


@admin.register(Live)
class LiveAdmin(ReadOnlyAdmin):
    """Shows a page instead of a list, to users who may view events."""

    styles = (*ReadOnlyAdmin.styles, "loopwatch/vendor/uplot-1.6.32/uPlot.min.css", "loopwatch/live.css")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.shows(request, BlockingEvent)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return self.shows(request, BlockingEvent)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.live_view), name="loopwatch_live_changelist"),
            path("finding/<slug:fingerprint>/", wrap(self.finding_view), name="loopwatch_live_finding"),
        ]

    def live_view(self, request: HttpRequest) -> HttpResponse:
        """Show the page, or what is missing for it. The query may preset the filters ``route`` and ``finding``."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Live"),
            "opts": self.opts,
            "tabs": self.tabs(request),
            "media": self.media,
            "readiness": readiness(),
            "threshold_ms": configuration().threshold_ms,
            "time_zone": timezone.get_current_timezone_name(),
            "causes": [(cause, label) for cause, (label, _meaning) in CAUSES.items()],
            "chosen_finding": request.GET.get("finding", ""),
            "chosen_route": request.GET.get("route", ""),
        }
        return TemplateResponse(request, "loopwatch/live.html", context)

    def finding_view(self, request: HttpRequest, fingerprint: str) -> HttpResponse:
        """Redirect a line of the page to its finding, by fingerprint, as its row may not be written yet."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = Finding.objects.using(configuration().database).filter(fingerprint=fingerprint).first()
        page = f"{self.admin_site.name}:loopwatch_finding"
        if found:
            return redirect(f"{page}_change", found.pk)
        messages.warning(request, _("This finding has not been stored yet. Try again in a moment."))
        return redirect(f"{page}_changelist")
