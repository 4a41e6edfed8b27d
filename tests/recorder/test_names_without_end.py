"""Clients and programs can invent any number of names, of which the store keeps few rows and every count."""

from dataclasses import replace

import pytest
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path, re_path

from loopwatch.detection.verdict.step_name import name_of_request
from loopwatch.models import BlockingEvent, Finding, HourlyTotal
from loopwatch.request_route import describe_request
from tests.recorder.calls import blocking_call

pytestmark = pytest.mark.usefixtures("database")


def page(request):
    return HttpResponse("ok")


urlpatterns = [path("shop/<int:pk>/", page), re_path(r"^any/(?P<rest>.*)$", page)]


def written(recorder, calls):
    for call in calls:
        recorder.put(call)
    assert recorder.flush(60)
    assert recorder.stats().errors == {}


def requests(method, paths):
    with override_settings(ROOT_URLCONF=__name__):
        return [describe_request(None, "http", method, address, "") for address in paths]


def test_paths_that_lead_nowhere_are_one_route(recorder_of):
    missing = requests("GET", [f"/missing/{number}/<script>" for number in range(500)])
    written(recorder_of(), [blocking_call(request=request) for request in missing])
    (hour,) = HourlyTotal.objects.all()
    assert (hour.route, hour.events) == ("", 500)


def test_paths_that_a_pattern_catches_are_one_route(recorder_of):
    caught = requests("GET", [f"/any/{number}/{'x' * number}" for number in range(300)])
    written(recorder_of(), [blocking_call(request=request) for request in caught])
    (hour,) = HourlyTotal.objects.all()
    assert (hour.route, hour.events) == ("^any/(?P<rest>.*)$", 300)


def test_methods_that_do_not_exist_are_one_method(recorder_of):
    odd = [requests(f"EVIL{number}<X>", ["/shop/7/"])[0] for number in range(200)]
    written(recorder_of(), [blocking_call(request=request) for request in odd])
    (hour,) = HourlyTotal.objects.all()
    assert (hour.method, hour.route, hour.events) == ("OTHER", "shop/<int:pk>/", 200)


def test_methods_that_do_not_exist_are_no_part_of_the_name_of_a_finding():
    odd = [replace(requests(f"EVIL{number}<X>", ["/shop/7/"])[0], view="") for number in range(3)]
    assert {name_of_request(each).name for each in odd} == {"OTHER shop/<int:pk>/"}


def test_tasks_of_many_names_are_one_finding_with_few_events(recorder_of):
    calls = [blocking_call(task_name=f"user-{number}", minute=number / 100) for number in range(300)]
    written(recorder_of(events_per_finding=50), calls)
    (finding,) = Finding.objects.all()
    kept = BlockingEvent.objects.count()
    assert 0 < kept <= 50
    assert (finding.events, finding.events_thinned) == (300, 300 - kept)
