import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from loopwatch.models import BlockingEvent, Finding, HourlyTotal
from loopwatch.stored_time import whole_hour
from tests.stored import NOON, stored_event, stored_finding, stored_hour

pytestmark = pytest.mark.django_db
LIST = reverse("admin:loopwatch_finding_changelist")

BEYOND_ANY_COLUMN = "9" * 20


def listed(client, **query):
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [finding.function for finding in response.context["cl"].result_list]


def test_the_index_lists_findings_but_not_events(admin_client):
    page = admin_client.get(reverse("admin:app_list", args=["loopwatch"])).content.decode()
    assert LIST in page
    assert reverse("admin:loopwatch_blockingevent_changelist") not in page


def test_a_finding_in_the_list_shows_call_place_figures_and_delayed_requests(admin_client):
    finding = stored_finding(events=412, blocked_us=184_000_000, longest_us=1_200_000, requests_delayed=37)
    for number, route in enumerate(["a/", "b/", "c/", "d/"]):
        stored_hour(finding, 100 - number, route=route)
    page = admin_client.get(LIST).content.decode().replace("<wbr>", "")
    for part in ("time.sleep", "shop.views.checkout", "shop/views.py:41", "3 min 4 s", "1.2 s", ">412<", ">37<"):
        assert part in page
    assert "GET a/" in page
    assert "GET b/" not in page
    assert "+3 more" in page


def test_a_finding_in_the_list_shows_the_routes_of_its_last_week(admin_client):
    finding = stored_finding(last_seen=NOON)
    stored_hour(finding, 100, route="before/", hour=NOON - timedelta(days=7, hours=1))
    stored_hour(finding, 100, route="since/", hour=NOON - timedelta(days=7))
    page = admin_client.get(LIST).content.decode().replace("<wbr>", "")
    assert "GET since/" in page
    assert "GET before/" not in page


def test_a_finding_in_the_list_is_marked_if_its_call_is_not_certain(admin_client):
    stored_finding()
    assert "> likely<" not in admin_client.get(LIST).content.decode()
    stored_finding(exact=False)
    stored_finding(exact=False, blocking_call="shop.views.checkout")
    page = admin_client.get(LIST).content.decode()
    assert (page.count("> likely<"), page.count("> function only<")) == (1, 1)


def test_the_finding_with_the_most_impact_comes_first(admin_client):
    stored_finding(function="little", blocked_us=9, delay_us=0)
    stored_finding(function="much", blocked_us=1, delay_us=9)
    stored_finding(function="most", blocked_us=1, delay_us=1, kept_out_us=9)
    assert listed(admin_client) == ["most", "much", "little"]
    assert listed(admin_client, o="2") == ["little", "much", "most"]


def test_a_long_name_is_shown_by_its_end_and_given_in_full(admin_client):
    long = "cryptography.hazmat.primitives.kdf.pbkdf2.PBKDF2HMAC.derive"
    stored_finding(blocking_call=long, called_name=long, function="shop.views.Cart.pay", filename="shop/views.py")
    page = admin_client.get(LIST).content.decode().replace("<wbr>", "")
    assert ">PBKDF2HMAC.derive<" in page
    assert f'title="{long}"' in page
    assert ">Cart.pay · shop/views.py:41<" in page


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=-5), "0 min ago"),
        (timedelta(minutes=59.5), "59 min ago"),
        (timedelta(minutes=60.5), "1 h ago"),
        (timedelta(hours=47.5), "47 h ago"),
        (timedelta(hours=48.5), "2 d ago"),
    ],
)
def test_the_age_of_a_finding_is_shown_with_the_exact_moment(admin_client, ago, said):
    seen = timezone.now() - ago
    stored_finding(last_seen=seen)
    page = admin_client.get(LIST).content.decode()
    assert f'title="{timezone.localtime(seen):%Y-%m-%d %H:%M:%S %Z}">{said}<' in page


def test_a_finding_is_new_for_a_day(admin_client):
    stored_finding(first_seen=timezone.now() - timedelta(hours=25))
    assert ">new<" not in admin_client.get(LIST).content.decode()
    stored_finding(first_seen=timezone.now() - timedelta(hours=23))
    assert admin_client.get(LIST).content.decode().count(">new<") == 1


def test_a_finding_in_the_list_has_a_bar_for_every_six_hours_in_which_it_blocked(admin_client):
    now = timezone.now()
    finding = stored_finding(last_seen=now)
    for ago, blocked_us in ((0, 100), (24, 200), (6 * 27, 1), (6 * 28 + 1, 900)):
        stored_hour(finding, 60, hour=whole_hour(now - timedelta(hours=ago)), route=f"{ago}/", blocked_us=blocked_us)
    (path,) = re.findall(r'loopwatch-spark[^>]*><path d="([^"]*)"', admin_client.get(LIST).content.decode())
    assert re.findall(r"M(\d+) 16v-(\d+)", path) == [("0", "2"), ("23", "16"), ("27", "8")]


def test_only_open_findings_are_shown_by_default(admin_client):
    for status in Finding.Status.values:
        stored_finding(function=status, status=status)
    assert listed(admin_client) == ["open"]
    assert listed(admin_client, status="ignored") == ["ignored"]
    assert len(listed(admin_client, status="all")) == 3


def test_the_filter_shows_which_status_is_chosen_and_can_count(admin_client):
    stored_finding(status="resolved")
    changelist = admin_client.get(LIST, {"_facets": "True"}).context["cl"]
    choices = list(changelist.filter_specs[0].choices(changelist))
    assert [choice["display"] for choice in choices] == ["open (0)", "resolved (1)", "ignored (0)", "All (1)"]
    assert [choice["selected"] for choice in choices] == [True, False, False, False]


def test_the_status_is_a_column_only_where_it_differs(admin_client):
    stored_finding()
    assert "column-status_now" in admin_client.get(LIST, {"status": "all"}).content.decode()
    for query in ({}, {"status": "ignored"}, {"status": "bogus"}):
        assert "column-status_now" not in admin_client.get(LIST, query).content.decode()


def test_a_reopened_finding_is_marked(admin_client):
    stored_finding(reopened_at=NOON)
    assert ">reopened<" in admin_client.get(LIST).content.decode()
    Finding.objects.update(status="resolved")
    assert ">reopened<" not in admin_client.get(LIST, {"status": "all"}).content.decode()


@pytest.mark.parametrize(
    "query",
    [
        *("status=bogus", "cause=bogus", "last_seen__gte=bogus", "p=999", "o=99.x", "bogus=1", "q=%00", "status=%00"),
        *("last_seen__year=99999", f"last_seen__year={BEYOND_ANY_COLUMN}", f"id__in={BEYOND_ANY_COLUMN}"),
    ],
)
def test_an_invalid_query_is_never_a_server_error(admin_client, query):
    stored_finding()
    assert admin_client.get(f"{LIST}?{query}", follow=True).status_code == 200


def test_findings_can_be_filtered_by_cause_and_last_seen(admin_client):
    stored_finding(function="old", cause="computing", last_seen=NOON)
    stored_finding(function="new", cause="waiting", last_seen=timezone.now())
    assert listed(admin_client, cause="computing") == ["old"]
    assert listed(admin_client, last_seen__gte=str(timezone.now() - timedelta(days=1))) == ["new"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("sleep", ["here"]),
        ("SLEEP here", ["here"]),
        ("views.py", ["here"]),
        ("cart/<int:pk>/", ["here"]),
        ("POST cart/<int:pk>/", ["here"]),
        ('"POST cart/"', []),
        ("sleep elsewhere", []),
        ("'", []),
        ('"', []),
        ("sleep " * 5_000, ["here"]),
    ],
)
def test_search_finds_words_in_names_files_and_routes(admin_client, words, found):
    finding = stored_finding(function="here")
    stored_hour(finding, 60, method="POST", route="cart/<int:pk>/")
    stored_hour(finding, 60, method="POST", route="cart/<int:pk>/", release="2")
    stored_finding(function="other", blocking_call="json.dumps", filename="other.py")
    assert listed(admin_client, q=words) == found


@pytest.mark.parametrize("words", ["requests.get", "getresponse"])
def test_search_finds_the_call_and_the_detail(admin_client, words):
    stored_finding(function="here", called_name="requests.get", blocking_call="http.client.HTTPConnection.getresponse")
    stored_finding(function="other")
    assert listed(admin_client, q=words) == ["here"]


@pytest.mark.parametrize("page", ["finding", "blockingevent"])
def test_lists_and_pages_name_the_call_and_the_detail(admin_client, page):
    finding = stored_finding(called_name="requests.get", blocking_call="socket.recv")
    row = {"finding": finding, "blockingevent": stored_event(finding)}[page]
    for url in (
        reverse(f"admin:loopwatch_{page}_changelist"),
        reverse(f"admin:loopwatch_{page}_change", args=[row.pk]),
    ):
        assert "requests.get → socket.recv" in admin_client.get(url).content.decode().replace("<wbr>", "")


def test_a_longer_list_of_findings_needs_no_more_queries(admin_client, django_assert_max_num_queries):
    for number in range(50):
        finding = stored_finding(function=f"f{number}")
        for route in range(5):
            stored_hour(finding, 60, route=f"{route}/")
    with django_assert_max_num_queries(8):
        assert len(listed(admin_client)) == 50
    with django_assert_max_num_queries(8):
        assert len(listed(admin_client, q="shop")) == 50


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [("resolve", "open", "resolved"), ("ignore", "open", "ignored"), ("reopen", "resolved", "open")],
)
def test_actions_change_the_status_and_log_who_did(staff, action, before, after):
    client = staff("view_finding", "change_finding")
    findings = [stored_finding(status=before, reopened_at=NOON), stored_finding(status=before)]
    kept = stored_finding(status=before)
    data = {"action": action, "_selected_action": [finding.pk for finding in findings]}
    page = client.post(f"{LIST}?status={before}", data, follow=True).content.decode()
    assert "2 findings are now" in page
    for finding in findings:
        finding.refresh_from_db()
        assert (finding.status, finding.status_changed_by, finding.reopened_at) == (after, "ada", None)
        assert timezone.now() - finding.status_changed_at < timedelta(minutes=1)
    kept.refresh_from_db()
    assert (kept.status, kept.status_changed_at) == (before, None)
    assert {entry.object_id for entry in LogEntry.objects.all()} == {str(finding.pk) for finding in findings}
    assert after in LogEntry.objects.first().get_change_message()


def test_an_action_does_not_change_findings_that_already_have_the_status(staff):
    finding = stored_finding(status="resolved", status_changed_by="bob")
    data = {"action": "resolve", "_selected_action": [finding.pk]}
    staff("change_finding").post(f"{LIST}?status=all", data)
    finding.refresh_from_db()
    assert finding.status_changed_by == "bob"
    assert not LogEntry.objects.exists()


def test_an_action_writes_only_the_columns_of_the_status(staff, monkeypatch):
    """The recorder keeps counting during a triage: what it adds must not be lost."""
    finding = stored_finding(events=1)
    Finding.objects.filter(pk=finding.pk).update(events=2)
    staff("change_finding").post(LIST, {"action": "resolve", "_selected_action": [finding.pk]})
    finding.refresh_from_db()
    assert (finding.status, finding.events) == ("resolved", 2)


def test_users_who_may_only_view_findings_have_no_actions(viewer):
    finding = stored_finding()
    assert "Resolve selected" not in viewer.get(LIST).content.decode()
    viewer.post(LIST, {"action": "resolve", "_selected_action": [finding.pk]})
    finding.refresh_from_db()
    assert finding.status == "open"


def test_deleting_findings_counts_their_events_and_totals_and_deletes_them(admin_client, django_assert_max_num_queries):
    finding = stored_finding()
    for hour in range(30):
        stored_hour(finding, 60, hour=NOON + timedelta(hours=hour))
        stored_event(finding)
    data = {"action": "delete_selected", "_selected_action": [finding.pk]}
    page = admin_client.post(LIST, data).content.decode()
    assert "Hourly totals: 30" in page
    assert "Blocking events: 30" in page
    assert page.count("Hourly total") == 1
    admin_client.post(LIST, data | {"post": "yes"})
    assert [model.objects.count() for model in (Finding, BlockingEvent, HourlyTotal)] == [0, 0, 0]
    assert LogEntry.objects.count() == 1


def test_deleting_findings_needs_the_permission_to_delete_events(staff):
    finding = stored_finding()
    client = staff("view_finding", "delete_finding")
    data = {"action": "delete_selected", "_selected_action": [finding.pk], "post": "yes"}
    assert client.post(LIST, data).status_code == 403
    assert Finding.objects.exists()


@pytest.mark.parametrize(
    "chosen", [BEYOND_ANY_COLUMN, "9" * 5000, "bogus"], ids=["20 digits", "5,000 digits", "a word"]
)
@pytest.mark.parametrize("action", ["resolve", "set_aside", "delete_selected"])
def test_an_action_on_a_finding_that_no_column_can_number_shows_the_list(admin_client, action, chosen):
    sent = {"action": action, "_selected_action": chosen}
    assert admin_client.post(LIST, sent, follow=True).status_code == 200


def test_a_filter_that_only_the_address_has_is_named_and_can_be_removed(admin_client):
    stored_finding(function="old", first_release="1.4 <b>")
    stored_finding(function="new", first_release="1.5")
    response = admin_client.get(LIST, {"first_release": "1.4 <b>", "cause": "waiting", "o": "2"})
    assert [finding.function for finding in response.context["cl"].result_list] == ["old"]
    (label, value, url) = response.context["chosen"][0]
    assert (label, value, len(response.context["chosen"])) == ("first release", "1.4 <b>", 1)
    assert {finding.function for finding in admin_client.get(LIST + url).context["cl"].result_list} == {"old", "new"}
    assert "chosen" not in admin_client.get(LIST, {"cause": "waiting"}).content.decode()
