"""All linked pages of the admin, for a store with hostile names and impossible moments; none needs inline code."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from django.urls import reverse

from tests.stored import (
    stored_event,
    stored_finding,
    stored_health,
    stored_hour,
    stored_loop_time,
    stored_route,
    stored_stack,
    stored_wait,
)

pytestmark = pytest.mark.django_db

EVIL = "<evil-tag>\"><evil-tag onevil='x'>' onevil=\"x\" {{ evil }} javascript:evil() </script>\u202e"
INDEX = "/admin/loopwatch/"
MOST_OF_A_PATH = 12
"""The pages of a list differ in filters and spans, which can be combined without end."""


class Page(HTMLParser):
    """Collects the links of a page, and the markup that hostile names injected or a strict policy forbids."""

    def __init__(self, text):
        super().__init__()
        self.links, self.flaws = [], []
        self._tag = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self._tag = tag
        if "evil" in tag or tag == "style" or (tag == "script" and "src" not in dict(attributes)):
            self.flaws.append(tag)
        for name, value in attributes:
            if name.startswith("on") or name == "style" or (value or "").strip().lower().startswith("javascript:"):
                self.flaws.append((tag, name, value))
        if tag == "a":
            self.links.append(dict(attributes).get("href") or "")

    def handle_data(self, data):
        if self._tag == "script" and "evil" in data:
            self.flaws.append(data)

    def handle_endtag(self, tag):
        self._tag = ""


def store_at(moment, name):
    """Store a row of every kind at this moment."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    named = {"blocking_call": name[:300], "function": name, "filename": name, "source": name, "cause": name[:20]}
    finding = stored_finding(
        **named, first_seen=moment, last_seen=moment, first_release=name[:100], last_release=name[:100]
    )
    call = f"call {name}"
    frame = (name, name, 2, 0, 0, 1, f"{name}; {call}; {name}")
    stored_event(
        finding,
        started_at=moment,
        lineno=2,
        source=call,
        stacks=stored_stack(frame, frame),
        contributions=[{"name": name, "own_ms": 5.0, "count": 3, "function": name, "lineno": 2}],
        delayed_routes=[[name, name, 3]],
        route=name,
        consumer=name,
        task_name=name,
        host=name[:100],
        release=name[:100],
        method=name[:10],
        called_name=name,
        leaf_name=name,
        engine=name[:10],
        other_function=name,
        other_called_name=name,
        other_us=3,
    )
    stored_hour(finding, 60, hour=hour, route=name, method=name[:10], release=name[:100])
    stored_route(start=hour, route=name, method=name[:10], events=1, blocked_us=1, waited_us=1)
    stored_loop_time(start=hour, host=name[:100], release=name[:100], events=1, since=moment)
    stored_wait(name, 100, hour=hour, held_for=name, method=name[:10], route=name)
    stored_health(
        host=name[:100], release=name[:100], errors={name: 1}, last_error=name, since=moment, reported_at=moment
    )


def pages(client):
    """Yield every page that is reachable by links of the app, with its URL."""
    waiting, seen = [INDEX], {INDEX}
    of_path: Counter[str] = Counter()
    while waiting:
        address = waiting.pop(0)
        response = client.get(address, follow=True)
        content = response.getvalue().decode()
        yield address, response, content
        if not response.headers["Content-Type"].startswith("text/html"):
            continue
        links = (urldefrag(urljoin(address, link)).url for link in Page(content).links)
        for link in dict.fromkeys(links):
            path = urlsplit(link).path
            if link.startswith(INDEX) and link not in seen and of_path[path] < MOST_OF_A_PATH:
                of_path[path] += 1
                seen.add(link)
                waiting.append(link)


@pytest.fixture
def now():
    return datetime.now(UTC) - timedelta(minutes=5)


def test_names_are_escaped_on_every_page(admin_client, now):
    store_at(now, EVIL)
    names = set()
    for address, response, content in pages(admin_client):
        assert response.status_code == 200, address
        if response.headers["Content-Type"].startswith("text/html"):
            assert Page(content).flaws == [], address
            names |= {"page"} if "evil" in content else set()
        else:
            assert response.headers["X-Content-Type-Options"] == "nosniff", address
            names.add("file")
    assert names == {"page", "file"}


@pytest.mark.parametrize(
    "moment",
    [datetime(1986, 1, 1, tzinfo=UTC), datetime(2096, 2, 29, 23, 59, tzinfo=UTC), datetime(9026, 12, 31, tzinfo=UTC)],
    ids=["long ago", "far ahead", "in 7,000 years"],
)
@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_any_moment_in_any_language_can_be_shown(admin_client, settings, moment, language):
    settings.LANGUAGE_CODE = language
    store_at(moment, "shop.views")
    for name in ("finding", "blockingevent", "processhealth"):
        listed = admin_client.get(reverse(f"admin:loopwatch_{name}_changelist"), {"status": "all"}, follow=True)
        assert listed.status_code == 200
        row = listed.context["cl"].result_list[0] if "cl" in listed.context else None
        assert row, name
        assert admin_client.get(reverse(f"admin:loopwatch_{name}_change", args=[row.pk])).status_code == 200


@pytest.mark.parametrize(
    "query", ["q=" + "x" * 20_000, "q=%00", "q=%ff", "span=evil", "p=-1", "o=evil", "all=evil", "e=1"]
)
def test_no_query_string_is_a_server_error(admin_client, now, query):
    store_at(now, EVIL)
    for address in ("finding/", "blockingevent/", "processhealth/", "overview/", "live/", "threadwaittotal/"):
        response = admin_client.get(f"{INDEX}{address}?{query}", follow=True)
        assert response.status_code == 200, address
        assert Page(response.content.decode()).flaws == [], address


@pytest.mark.parametrize("zone", ["America/Chicago", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("0001-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00"),
        ("0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"),
        ("2026-01-01T00:00:00+00:00", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_a_span_at_an_end_of_the_calendar_is_no_server_error(admin_client, now, settings, zone, begin, end):
    settings.TIME_ZONE = zone
    store_at(now, "shop.views")
    query = {"from": begin, "to": end}
    for address in ("blockingevent/", "blockingevent/export/csv/", "finding/", "finding/export/csv/"):
        assert admin_client.get(INDEX + address, query, follow=True).status_code == 200, address
