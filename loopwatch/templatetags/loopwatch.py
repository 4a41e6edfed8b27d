"""Provides template filters that format values as the admin's lists do."""

from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import quote

from django import template
from django.http import HttpRequest
from django.utils.safestring import SafeString

from loopwatch import html_cells
from loopwatch.conf import configuration
from loopwatch.escaping import html_name
from loopwatch.models import BlockingEvent, Finding, Overview
from loopwatch.wording.durations import human_duration
from loopwatch.wording.findings import besides, calls_seen

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.urls import ResolverMatch

register = template.Library()
register.filter("breakable", html_name.breakable)
register.filter("duration", human_duration)
register.filter("instant", html_cells.instant)
register.filter("moment", html_cells.moment)
register.filter("request_name", html_cells.request_name)
register.filter("status", html_cells.status)


class Delaying(Protocol):
    """Has the figures of stalls."""

    @property
    def requests_delayed(self) -> int: ...

    @property
    def requests_kept_out(self) -> int: ...


@register.filter
def shows_overview(request: HttpRequest) -> bool:
    """Return whether the app's index shows this user the overview: a site may have other models of loopwatch alone."""
    site = _admin_site(request)
    return site.is_registered(Overview) and site.get_model_admin(Overview).has_view_permission(request)


@register.inclusion_tag("loopwatch/overview_content.html", takes_context=True)
def overview(context: template.Context) -> dict[str, Any]:
    """Show the overview on the app's index, of which Django lets an app change only the template."""
    request = context["request"]
    shown: dict[str, Any] = _admin_site(request).get_model_admin(Overview).overview_context(request)  # type: ignore[attr-defined]
    return shown


def _admin_site(request: HttpRequest) -> "AdminSite":
    """Return the site that answers; it is marked on the views of its pages. Two sites may have the same name."""
    match = cast("ResolverMatch", request.resolver_match)
    site: AdminSite = match.func.admin_site  # type: ignore[attr-defined]
    return site


@register.simple_tag
def chosen_columns(changelist: Any) -> list[tuple[str, str, str]]:
    """Return the columns by which only the address filters a list: each label and value, and the URL without it."""
    of_filters = {name for spec in changelist.filter_specs for name in spec.expected_parameters()}
    fields = {field.name: field for field in changelist.opts.get_fields() if hasattr(field, "verbose_name")}
    return [
        (str(fields[column].verbose_name), str(value), changelist.get_query_string(remove=[name]))
        for name, value in changelist.get_filters_params().items()
        if name not in of_filters and (column := name.partition("__")[0]) in fields
        for value in (value if isinstance(value, list) else [value])
    ]


@register.simple_tag
def source_url(filename: str, lineno: int, release: str) -> str:
    """Return the address of a line of in-app code by the setting ``SOURCE_URL``, or an empty string without it."""
    template_ = configuration().source_url
    if not (template_ and filename):
        return ""
    version = release or configuration().release or "HEAD"
    return template_.format(path=quote(filename), line=lineno, release=quote(version, safe=""))


@register.filter
def microseconds(duration_us: int) -> str:
    """Format microseconds for people."""
    return human_duration(duration_us / 1000)


@register.filter
def percent(share: float | None) -> str:
    """Format a share of one in whole percent, with ``< 1 %`` for small and a dash for unknown ones."""
    if share is None:
        return "–"
    return "< 1 %" if 0 < share < 0.005 else f"{share:.0%}".replace("%", " %")


@register.filter
def share_of_time(share: float) -> str:
    """Format a share of one as a percentage with two significant digits: small ones matter here."""
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.2g} %"


@register.filter
def change(share: float) -> str:
    """Format a change in whole percent, with its sign; as a factor from ten times on."""
    if share >= 9:
        return f"× {share + 1:.0f}"
    return f"{share:+.0%}".replace("%", " %").replace("-", "−")


@register.filter
def width(share: float | None) -> int:
    """Convert a share of one to the width of a bar whose full width is 100."""
    return round(100 * (share or 0.0))


@register.filter
def finding(value: Finding) -> SafeString:
    """Show a finding's blocking call, whether it is new or was reopened, and its place."""
    return html_cells.call_and_place(value, html_cells.badge(value))


@register.filter
def step_notes(event: BlockingEvent) -> str:
    """Say what else is known of an event's step: how many calls were seen, and its second place."""
    return "; ".join(filter(None, (calls_seen(event), besides(event))))


@register.filter
def delayed(stalls: Delaying) -> str:
    """Show how many requests were delayed, and about how many were kept out."""
    return html_cells.delayed(stalls.requests_delayed, stalls.requests_kept_out)
