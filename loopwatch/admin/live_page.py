"""The live page: a frame that its script fills from a WebSocket."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from loopwatch.admin.causes import CAUSES
from loopwatch.conf import configuration
from loopwatch.live.readiness import readiness
from loopwatch.models import Finding


def live_urls(model_admin: "admin.ModelAdmin[Any]") -> list[URLPattern]:
    """The page, and where its lines lead, for whoever may look at the rows of ``model_admin``."""

    def live(request: HttpRequest) -> HttpResponse:
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        request.current_app = model_admin.admin_site.name
        context = model_admin.admin_site.each_context(request) | {
            "title": _("Live"),
            "opts": model_admin.opts,
            "readiness": readiness(),
            "time_zone": timezone.get_current_timezone_name(),
            "causes": [(cause, label) for cause, (label, _meaning) in CAUSES.items()],
            "chosen_finding": request.GET.get("finding", ""),
            "chosen_route": request.GET.get("route", ""),
        }
        return TemplateResponse(request, "loopwatch/live.html", context)

    def finding(request: HttpRequest, fingerprint: str) -> HttpResponse:
        """A line knows its finding by its fingerprint: the row may not be written yet."""
        found = Finding.objects.using(configuration().database).filter(fingerprint=fingerprint).first()
        page = f"{model_admin.admin_site.name}:loopwatch_finding"
        if found:
            return redirect(f"{page}_change", found.pk)
        messages.warning(request, _("This finding is not stored yet. Open it again in a moment."))
        return redirect(f"{page}_changelist")

    wrap = model_admin.admin_site.admin_view
    return [
        path("live/", wrap(live), name="loopwatch_live"),
        path("live/finding/<slug:fingerprint>/", wrap(finding), name="loopwatch_live_finding"),
    ]
