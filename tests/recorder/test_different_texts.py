"""Texts that differ by case, an accent or a blank at the end are different values on every database."""

import pytest
from django.apps import apps
from django.contrib import admin

from loopwatch.detection.calls import Request
from loopwatch.exact_char_field import ExactCharField
from loopwatch.models import Finding, HourlyTotal, LoopTime, RouteTotal, ThreadWaitTotal
from loopwatch.reporting.group_report import build_grouped_report
from loopwatch.reporting.selection import Selection
from tests.databases import on_mariadb
from tests.recorder.calls import blocking_call, thread_wait
from tests.stored import stored_finding, stored_hour, stored_loop_time

pytestmark = pytest.mark.usefixtures("database")

ALIKE = ["cart/", "Cart/", "cart/ ", "cärt/"]


def test_routes_that_look_alike_are_counted_separately(recorder_of):
    recorder = recorder_of()
    for _ in range(2):
        for route in ALIKE:
            recorder.put(blocking_call(request=Request("http", "GET", route)))
        assert recorder.flush(60)
    twice_each = sorted((route, 2) for route in ALIKE)
    assert sorted(HourlyTotal.objects.values_list("route", "events")) == twice_each
    for hours in (1, 24):
        assert sorted(RouteTotal.objects.filter(hours=hours).values_list("route", "events")) == twice_each
    names = {group.name for group in build_grouped_report(Selection(), "route").groups}
    assert names == {f"GET {route}".strip() for route in ALIKE}


def test_releases_that_look_alike_are_counted_separately(recorder_of):
    for release in ("1.0-RC1", "1.0-rc1"):
        recorder = recorder_of(release=release)
        recorder.put(blocking_call())
        assert recorder.flush(60)
    for release in ("1.0-RC1", "1.0-rc1"):
        assert HourlyTotal.objects.get(release=release).events == 1


def test_hosts_that_look_alike_are_different_hosts():
    for host in ("web-1", "Web-1"):
        stored_loop_time(host=host)
    assert LoopTime.objects.filter(host="web-1").count() == 1


def test_waits_for_functions_that_look_alike_are_counted_separately(recorder_of):
    recorder = recorder_of()
    for held_by in ("views.save", "views.Save"):
        recorder.put_wait(thread_wait(held_by=held_by))
    assert recorder.flush(60)
    assert ThreadWaitTotal.objects.filter(held_by="views.save").count() == 1


@pytest.mark.parametrize("searched", ["CHECKOUT", "Tariffs/", "post"])
def test_a_search_ignores_case_all_the_same(searched):
    stored_hour(stored_finding(function="shop.views.Checkout"), 60, method="POST", route="tariffs/")
    stored_finding(function="shop.views.pay")
    found, _ = admin.site.get_model_admin(Finding).get_search_results(None, Finding.objects.all(), searched)
    assert [finding.function for finding in found] == ["shop.views.Checkout"]


@on_mariadb
def test_every_column_has_every_character_whatever_the_charset_of_the_database(database):
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = DATABASE() "
            "AND table_name LIKE 'loopwatch%' AND collation_name IS NOT NULL"
        )
        assert {name for (name,) in cursor.fetchall()} == {"utf8mb4_nopad_bin", "utf8mb4_bin"}  # the latter for JSON


def test_every_text_has_such_a_column():
    """On a database in ``latin1``, another column refuses characters; only a MariaDB in that charset shows it."""
    models = apps.get_app_config("loopwatch").get_models()
    fields = [field for model in models for field in model._meta.local_concrete_fields]
    texts = [field for field in fields if field.get_internal_type() in {"CharField", "TextField"}]
    assert texts
    assert not [str(field) for field in texts if not isinstance(field, ExactCharField)]
