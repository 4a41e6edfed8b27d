"""Every page of loopwatch links the others."""

import re

import pytest
from django.urls import reverse

from tests.stored import stored_event, stored_finding, stored_health

pytestmark = pytest.mark.django_db
OVERVIEW, FINDINGS, LIVE, WAITS, PROCESSES = (
    reverse(f"admin:loopwatch_{model}_changelist")
    for model in ("overview", "finding", "live", "threadwaittotal", "processhealth")
)


def tabs_of(client, url):
    """Return the tabs of a page as (address, label and count, whether it is the current one)."""
    page = client.get(url).content.decode()
    (found,) = re.findall(r'<nav class="loopwatch-tabs".*?</nav>', page, re.DOTALL)
    links = re.findall(r'<a href="([^"]*)"( aria-current="page")?>(.*?)</a>', found)
    return [(url, re.sub(r"<[^>]*>", "", label), bool(current)) for url, current, label in links]


@pytest.mark.parametrize(
    ("page", "current"),
    [
        ("overview", OVERVIEW),
        ("findings", FINDINGS),
        ("finding", FINDINGS),
        ("events", FINDINGS),
        ("event", FINDINGS),
        ("live", LIVE),
        ("waits", WAITS),
        ("processes", PROCESSES),
    ],
)
def test_every_page_has_the_tabs_with_their_counts(admin_client, page, current):
    finding = stored_finding()
    stored_finding(status="resolved")
    stored_health()
    event = stored_event(finding)
    url = {
        "finding": reverse("admin:loopwatch_finding_change", args=[finding.pk]),
        "events": reverse("admin:loopwatch_blockingevent_changelist"),
        "event": reverse("admin:loopwatch_blockingevent_change", args=[event.pk]),
    }.get(page, current)
    labels = ((OVERVIEW, "Overview"), (FINDINGS, "Findings 1"), (LIVE, "Live"), (WAITS, "Thread waits"))
    expected = [*labels, (PROCESSES, "Processes 1")]
    assert tabs_of(admin_client, url) == [(address, label, address == current) for address, label in expected]


def test_only_pages_that_a_user_may_view_have_a_tab(staff):
    client = staff("view_finding")
    assert [url for url, _, _ in tabs_of(client, FINDINGS)] == [OVERVIEW, FINDINGS]


@pytest.mark.parametrize(("url", "title"), [(FINDINGS, "Findings"), (PROCESSES, "Processes")])
def test_a_list_is_named_by_what_it_lists(admin_client, url, title):
    assert f"<h1>{title}</h1>" in admin_client.get(url).content.decode()
