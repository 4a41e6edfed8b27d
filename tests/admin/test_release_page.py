"""The page that compares two releases."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from tests.stored import stored_finding, stored_hour, stored_loop_time

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:loopwatch_overview_releases")
OVERVIEW = reverse("admin:loopwatch_overview_changelist")
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def text_of(response):
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode().replace("<wbr>", "")).split())


@pytest.fixture
def three_releases():
    """Each is in service for two days; the one in the middle brings a finding, and ends another."""
    always, gone, new = (stored_finding(function=name) for name in ("always", "gone", "new <b>"))
    for number, (release, findings) in enumerate((("1.3", [gone]), ("1.4", [always, gone]), ("1.5", [always, new]))):
        begin = HOUR - timedelta(days=6 - 2 * number)
        for hour in range(48):
            for finding in findings:
                stored_hour(finding, 100, hour=begin + timedelta(hours=hour), release=release)


def kinds(response):
    found = response.context["page"].kinds
    return {str(kind.label): [finding.function for finding, _change in kind.rows] for kind in found}


def test_the_latest_release_is_compared_with_the_one_before(admin_client, three_releases):
    page = admin_client.get(PAGE)
    assert kinds(page) == {"New": ["new <b>"], "Gone": ["gone"], "About the same": ["always"]}
    assert "1 New · 1 Gone · 1 About the same" in text_of(page)
    assert "– → 100 ms" in text_of(page)
    assert "new <b>" not in page.content.decode()


def test_any_two_releases_can_be_compared(admin_client, three_releases):
    page = admin_client.get(PAGE, {"before": "1.3", "after": "1.4"})
    assert kinds(page) == {"New": ["always"], "About the same": ["gone"]}
    assert re.findall(r"<option selected>([^<]*)<", page.content.decode()) == ["1.3", "1.4"]


@pytest.mark.parametrize("releases", [[], [""], ["", "1.4"], ["1.4"]])
def test_without_two_releases_the_page_says_what_it_needs(admin_client, releases):
    for release in releases:
        stored_hour(stored_finding(), 60, hour=HOUR, release=release)
    assert "A comparison needs two releases" in text_of(admin_client.get(PAGE))


def test_a_release_without_a_stall_is_compared(admin_client, three_releases):
    stored_loop_time(start=HOUR, minutes=60, since=HOUR, release="1.6")
    page = admin_client.get(PAGE)
    assert re.findall(r"<option selected>([^<]*)<", page.content.decode()) == ["1.5", "1.6"]
    assert kinds(page) == {"Gone": ["always", "new <b>"]}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"before": "bogus"}, "Nothing is stored of bogus within the last 30 days."),
        ({"before": "1.3", "after": "\0"}, "Nothing is stored of"),
        ({"before": "1.4", "after": "1.4"}, "Choose two different releases."),
        ({"after": "1.3"}, "Choose two different releases."),
    ],
)
def test_no_other_releases_are_compared_than_were_asked_for(admin_client, three_releases, asked, said):
    page = admin_client.get(PAGE, asked)
    assert said in text_of(page)
    assert page.content.decode().count("<option") == 6
    assert kinds(page) == {}


def test_a_release_in_the_chart_leads_to_its_comparison(admin_client, three_releases):
    for release, days in (("1.4", 4), ("1.5", 2)):
        stored_loop_time(start=HOUR, minutes=60, since=HOUR - timedelta(days=days), release=release, process_id=days)
    assert f'{PAGE}?before=1.4&amp;after=1.5">1.5</a>' in admin_client.get(OVERVIEW, {"span": "7d"}).content.decode()


def test_the_comparison_needs_few_queries(admin_client, three_releases, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        admin_client.get(PAGE)
