"""Builds the addresses of lists: the events of a span of time, the findings and the page of a route."""

import json
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from loopwatch.admin.time_range import range_query

OF_FINDING = "finding__id__exact"


def events_url(site_name: str, begin: datetime, end: datetime, filters: Mapping[str, str | int] | None = None) -> str:
    """Return the address of the events from ``begin`` to ``end``, both aware, whose columns have these values."""
    query = "&".join(filter(None, (urlencode(filters or {}), range_query(begin, end))))
    return f"{reverse(f'{site_name}:loopwatch_blockingevent_changelist')}?{query}"


def route_url(site_name: str, method: str, route: str, period: str = "") -> str:
    """Return the address of the page of a route in a period, the query string of a time; empty without a route."""
    if not route:
        return ""
    query = urlencode({"method": method, "route": route})
    return f"{reverse(f'{site_name}:loopwatch_overview_route')}?{query}{period and '&'}{period}"


def findings_url(site_name: str, method: str, route: str) -> str:
    """Return the address of the findings of any status in the requests of a route."""
    words = [json.dumps(word, ensure_ascii=False) for word in (method, route) if word]
    query = urlencode({"q": " ".join(words), "status": "all"})
    return f"{reverse(f'{site_name}:loopwatch_finding_changelist')}?{query}"
