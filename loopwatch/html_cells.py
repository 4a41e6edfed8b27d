"""Formats figures, moments, names and routes as HTML, with everything from the store escaped.

The module is not in ``loopwatch.admin``, because the template tags need it on sites without the admin too.
"""

from collections.abc import Sequence
from datetime import datetime

from django.utils.formats import date_format, localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from loopwatch.escaping.html_name import breakable
from loopwatch.models import BlockingEvent, Finding
from loopwatch.reporting.route_impacts import RouteImpact
from loopwatch.stored_time import as_local
from loopwatch.wording.durations import human_duration
from loopwatch.wording.findings import FUNCTION_ONLY, LIKELY, current_condition, doubt, reopen_reason

_ROUTES = 2


def call_and_place(row: Finding | BlockingEvent) -> SafeString:
    place = f"{row.filename}:{row.lineno}" if row.filename else ""
    return format_html(
        '<span class="loopwatch-call">{}{}</span><span class="loopwatch-where">{}</span>'
        '<span class="loopwatch-where">{}</span>',
        breakable(row.headline),
        _doubt(row),
        breakable(row.function if row.function != row.headline else ""),
        breakable(place),
    )


def _doubt(row: Finding | BlockingEvent) -> SafeString:
    words = {"": "", LIKELY: _("likely"), FUNCTION_ONLY: _("function only")}
    word = words[doubt(exact=row.exact, blocking_call=row.blocking_call, function=row.function)]
    return format_html('<span class="loopwatch-status"> {}</span>', word) if word else SafeString("")


def duration(duration_us: int) -> SafeString:
    return format_html('<span class="loopwatch-figure">{}</span>', human_duration(duration_us / 1000))


def delay(finding: Finding) -> SafeString:
    """Show how many other requests were delayed or kept out, and for how long in total."""
    total_us = finding.impact.total_delay_us
    together = format_html('<span class="loopwatch-where">{}</span>', human_duration(total_us / 1000))
    number = delayed(finding.requests_delayed, finding.requests_kept_out)
    return format_html("{}{}", number, together if total_us else "")


def delayed(in_flight: int, kept_out: int) -> str:
    """Show how many requests were delayed in flight, and about how many were kept out."""
    return f"{localize(in_flight)} + ~{localize(kept_out)}" if kept_out else str(localize(in_flight))


def moment(value: datetime) -> SafeString:
    return _time(value, "TIME_FORMAT")


def instant(value: datetime) -> SafeString:
    """Show a moment to the second, for events: there may be many in a minute."""
    return _time(value, "H:i:s")


def _time(value: datetime, time_format: str) -> SafeString:
    local = as_local(value)
    return format_html(
        '<time datetime="{}"><span class="loopwatch-figure">{}</span> <span class="loopwatch-figure">{}</span></time>',
        local.isoformat(),
        date_format(local, "SHORT_DATE_FORMAT"),
        date_format(local, time_format),
    )


def seen(finding: Finding) -> SafeString:
    """Show when a finding was last seen, since when, and since which release."""
    since = format_html(_("since {}"), moment(finding.first_seen))
    release = breakable(finding.first_release)
    return format_html('{}<span class="loopwatch-where">{} {}</span>', moment(finding.last_seen), since, release)


def status(finding: Finding) -> SafeString:
    reopened = _is_reopened(finding)
    label = _("reopened") if reopened else finding.get_status_display()
    return format_html(
        '<span class="loopwatch-status loopwatch-status-{}">{}</span>',
        "reopened" if reopened else finding.status,
        label,
    )


def status_note(finding: Finding) -> SafeString:
    """Show that and why a finding was reopened, or what reopens it; nothing for any other finding."""
    more = reopen_reason(finding) or current_condition(finding)
    badge = status(finding) if _is_reopened(finding) else SafeString("")
    return badge + (format_html('<span class="loopwatch-where">{}</span>', more) if more else SafeString(""))


def _is_reopened(finding: Finding) -> bool:
    return finding.status == Finding.Status.OPEN and finding.reopened_at is not None


def routes(totals: Sequence[RouteImpact]) -> SafeString:
    """Show the routes with the most blocked time, and how many more there are."""
    shown = format_html_join(
        "", '<span class="loopwatch-route">{}</span>', ((breakable(route_name(total)),) for total in totals[:_ROUTES])
    )
    more = len(totals) - _ROUTES
    if more <= 0:
        return shown
    return format_html('{}<span class="loopwatch-where">{}</span>', shown, _("+%(count)d more") % {"count": more})


def route_name(total: RouteImpact) -> str:
    return total.name or _("no route")


def request(event: BlockingEvent) -> SafeString:
    """Show the request so that a long route can be broken."""
    return format_html('<span class="loopwatch-route">{}</span>', breakable(request_name(event)))


def request_name(event: BlockingEvent) -> str:
    """Return the method and route, or the consumer if there is no route."""
    name = f"{event.method} {event.route}".strip()
    return name or event.consumer or event.request_kind or _("outside of requests")
