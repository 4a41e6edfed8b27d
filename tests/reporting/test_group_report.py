from datetime import timedelta

import pytest

from loopwatch.reporting.group_report import GROUPINGS, build_grouped_report, module_of
from loopwatch.reporting.selection import Selection
from tests.stored import NOON, stored_finding, stored_hour


def groups(group_by, **options):
    return build_grouped_report(Selection(**{"status": "all"} | options), group_by).groups


@pytest.mark.django_db
class TestGroups:
    def test_findings_with_the_same_key_are_added_up(self):
        slow, quick = stored_finding(function="shop.views.slow"), stored_finding(function="shop.views.quick")
        stored_hour(slow, 60, 300, requests_delayed=2, delay_us=5_000)
        stored_hour(slow, 40, hour=NOON + timedelta(hours=1), requests_delayed=1, delay_us=1_000)
        stored_hour(quick, 10, requests_delayed=4, delay_us=2_000)
        stored_hour(quick, 500, route="cart/")
        cart, shop = groups("route")
        assert (cart.name, shop.name) == ("GET cart/", "GET shop/<int:pk>/")
        assert (shop.findings, shop.events, shop.blocked_ms, shop.longest_ms) == (2, 4, 410, 300)
        assert (shop.requests_delayed, shop.delay_ms) == (7, 8)
        assert 250 < shop.p95_ms <= 300
        assert shop.worst == "time.sleep in shop.views.slow"

    @pytest.mark.parametrize(
        ("group_by", "names"),
        [
            ("route", ["GET shop/<int:pk>/", ""]),
            ("function", ["shop.views.Cart.get", "chat.consumers.receive"]),
            ("module", ["shop.views", "chat.consumers"]),
            ("release", ["1.5", ""]),
            ("cause", ["computing", "waiting"]),
        ],
    )
    def test_every_grouping_has_its_names(self, group_by, names):
        cart = stored_finding(function="shop.views.Cart.get", cause="computing")
        chat = stored_finding(function="chat.consumers.receive", filename="chat/consumers.py")
        stored_hour(cart, 900, release="1.5")
        stored_hour(chat, 60, method="", route="")
        assert [group.name for group in groups(group_by)] == names

    @pytest.mark.parametrize("group_by", GROUPINGS)
    def test_only_the_status_and_the_period_asked_for_count(self, group_by):
        for status, hour in (("open", NOON), ("ignored", NOON), ("open", NOON - timedelta(hours=1))):
            finding = stored_finding(status=status)
            stored_hour(finding, 60, hour=hour)
        (group,) = groups(group_by, status="open", since=NOON)
        assert (group.events, group.findings) == (1, 1)

    @pytest.mark.parametrize("group_by", GROUPINGS)
    def test_totals_cover_all_groups_and_each_finding_once(self, group_by):
        for number in range(3):
            finding = stored_finding(function=f"f{number}", cause=f"cause {number}")
            for route in ("a/", "b/"):
                stored_hour(finding, 10, route=route, release=route)
        report = build_grouped_report(Selection(limit=1), group_by)
        assert len(report.groups) == 1
        assert report.groups_in_all in {2, 3}
        assert (report.totals.findings, report.totals.events, report.totals.blocked_ms) == (3, 6, 60)

    @pytest.mark.parametrize("sort", ["impact", "blocked", "events", "longest", "p95", "delay"])
    def test_the_largest_comes_first(self, sort):
        finding = stored_finding()
        stored_hour(finding, *[95] * 20, route="p95", blocked_us=1)
        stored_hour(finding, 60, route="blocked", blocked_us=9_000_000)
        stored_hour(finding, 60, route="impact", blocked_us=8_000_000, delay_us=4_000_000, kept_out_us=4_000_000)
        stored_hour(finding, 60, route="events", events=99)
        stored_hour(finding, *[60] * 40, 800, route="longest")
        stored_hour(finding, 60, route="delay", blocked_us=1, delay_us=8_500_000)
        assert groups("route", sort=sort)[0].name == f"GET {sort}"

    @pytest.mark.parametrize("group_by", GROUPINGS)
    def test_more_of_everything_costs_no_more_queries(self, django_assert_max_num_queries, group_by):
        for number in range(60):
            finding = stored_finding(function=f"shop.views.view_{number}")
            stored_hour(finding, 60, route=f"{number}/", release=str(number))
        with django_assert_max_num_queries(4):
            build_grouped_report(Selection(status="all", limit=60), group_by)


@pytest.mark.parametrize(
    ("function", "filename", "module"),
    [
        ("shop.views.checkout", "shop/views.py", "shop.views"),
        ("shop.views.Cart.get", "backend/shop/views.py", "shop.views"),
        ("shop.views.outer.<locals>.inner", "shop/views.py", "shop.views"),
        ("shop.checkout", "shop/__init__.py", "shop"),
        ("shop.lower.method", "shop.py", "shop"),
        ("shop.views.Cart.get", "", "shop.views"),
        ("shop.views.Cart.Meta.get", "<string>", "shop.views"),
        ("__main__.work", "manage.py", "__main__"),
        ("work", "", "work"),
        ("", "", ""),
    ],
)
def test_the_module_is_what_the_file_is_named_after(function, filename, module):
    assert module_of(function, filename) == module
