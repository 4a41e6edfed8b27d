"""Formats figures, moments, names and routes as HTML, with everything from the store escaped.

The module is not in ``loopwatch.admin``, because the template tags need it on sites without the admin too.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.utils.formats import date_format, localize
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from loopwatch.escaping.html_name import breakable
from loopwatch.models import BlockingEvent, Finding
from loopwatch.reporting.route_impacts import RouteImpact
from loopwatch.stored_time import as_aware, as_local
from loopwatch.wording.durations import human_duration
from loopwatch.wording.findings import FUNCTION_ONLY, LIKELY, current_condition, doubt, reopen_reason

_NOTHING = SafeString("")
DATE, MINUTE, SECOND = "Y-m-d", "H:i", "H:i:s"
"""The formats of all pages, which a reader can compare with those of logs and of the report."""
_LONG_NAME = 30
_NEW = timedelta(days=1)


def call_and_place(row: Finding | BlockingEvent, badges: SafeString = _NOTHING) -> SafeString:
    """Show in two lines the call with its badges, and the function and line that made it."""
    return format_html(
        '<span class="loopwatch-call" title="{}"><span class="loopwatch-name">{}</span>{}{}</span>'
        '<span class="loopwatch-where" title="{}">{}</span>',
        row.headline,
        breakable(_short(row.headline)),
        _doubt(row),
        badges,
        row.function,
        breakable(_place(row)),
    )


def _short(headline: str) -> str:
    """Return the last two parts of each name in a long headline, because the end is the most specific part."""
    if len(headline) <= _LONG_NAME:
        return headline
    return " → ".join(".".join(name.split(".")[-2:]) for name in headline.split(" → "))


def _place(row: Finding | BlockingEvent) -> str:
    """Return the function, without what the headline or the file says too, and the line."""
    module = row.filename.removesuffix(".py").replace("/", ".") + "."
    function = "" if row.function == row.headline else row.function.removeprefix(module)
    return " · ".join(filter(None, (function, row.filename and f"{row.filename}:{row.lineno}")))


def _doubt(row: Finding | BlockingEvent) -> SafeString:
    words = {"": "", LIKELY: _("likely"), FUNCTION_ONLY: _("function only")}
    word = words[doubt(exact=row.exact, blocking_call=row.blocking_call, function=row.function)]
    return format_html('<span class="loopwatch-status"> {}</span>', word) if word else _NOTHING


def duration(duration_us: int) -> SafeString:
    return format_html('<span class="loopwatch-figure">{}</span>', human_duration(duration_us / 1000))


def impact(finding: Finding) -> SafeString:
    """Show the total impact, and how much of it the finding blocked."""
    blocked = _("%(duration)s blocked") % {"duration": human_duration(finding.blocked_us / 1000)}
    return format_html('{}<span class="loopwatch-where">{}</span>', duration(finding.impact.total_us), blocked)


def events(finding: Finding) -> SafeString:
    """Show the number of events, and the longest one."""
    longest = _("up to %(duration)s") % {"duration": human_duration(finding.longest_us / 1000)}
    return format_html('{}<span class="loopwatch-where">{}</span>', localize(finding.events), longest)


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
    return _time(value, MINUTE)


def instant(value: datetime) -> SafeString:
    """Show a moment to the second, for events: there may be many in a minute."""
    return _time(value, SECOND)


def age(value: datetime) -> SafeString:
    """Show how long ago a moment was, with the exact moment for the pointer and for assistive technology."""
    passed = max(datetime.now(UTC) - as_aware(value), timedelta())
    local = as_local(value)
    exact = date_format(local, f"{DATE} {SECOND} e")
    return format_html(
        '<time datetime="{}" title="{}">{}<span class="visually-hidden"> ({})</span></time>',
        local.isoformat(),
        exact,
        _in_one_unit(passed),
        exact,
    )


def _in_one_unit(passed: timedelta) -> str:
    minutes = passed // timedelta(minutes=1)
    if minutes < 60:
        return _("%(number)d min ago") % {"number": minutes}
    if minutes < 48 * 60:
        return _("%(number)d h ago") % {"number": minutes // 60}
    return _("%(number)d d ago") % {"number": minutes // (24 * 60)}


def _time(value: datetime, time_format: str) -> SafeString:
    local = as_local(value)
    return format_html(
        '<time datetime="{}"><span class="loopwatch-figure">{}</span> <span class="loopwatch-figure">{}</span></time>',
        local.isoformat(),
        date_format(local, DATE),
        date_format(local, time_format),
    )


def seen(finding: Finding) -> SafeString:
    """Show when a finding was last and first seen."""
    first = format_html(_("first {}"), age(finding.first_seen))
    return format_html('{}<span class="loopwatch-where">{}</span>', age(finding.last_seen), first)


def status(finding: Finding) -> SafeString:
    reopened = _is_reopened(finding)
    label = _("reopened") if reopened else finding.get_status_display()
    return format_html(
        '<span class="loopwatch-status loopwatch-status-{}">{}</span>',
        "reopened" if reopened else finding.status,
        label,
    )


def badge(finding: Finding) -> SafeString:
    """Mark a finding that was reopened, or first seen within a day."""
    if _is_reopened(finding):
        return status(finding)
    if datetime.now(UTC) - as_aware(finding.first_seen) < _NEW:
        return format_html('<span class="loopwatch-status loopwatch-status-open">{}</span>', _("new"))
    return _NOTHING


def status_note(finding: Finding) -> SafeString:
    """Show why a finding was reopened, or what reopens it; nothing for any other finding."""
    more = reopen_reason(finding) or current_condition(finding)
    return format_html('<span class="loopwatch-where">{}</span>', more) if more else _NOTHING


def _is_reopened(finding: Finding) -> bool:
    return finding.status == Finding.Status.OPEN and finding.reopened_at is not None


def routes(totals: Sequence[RouteImpact]) -> SafeString:
    """Show the route with the most blocked time, and how many more there are."""
    if not totals:
        return _NOTHING
    name = route_name(totals[0])
    shown = format_html('<span class="loopwatch-route" title="{}">{}</span>', name, breakable(name))
    more = len(totals) - 1
    if not more:
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
