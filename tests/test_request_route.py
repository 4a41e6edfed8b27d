"""Finding the route of a request costs little, whatever its path and whatever the site is doing."""

import sys
import threading
import time
from contextvars import copy_context
from types import ModuleType

import pytest
from django.db import connection
from django.http import HttpResponse
from django.urls import path, register_converter, set_urlconf

from loopwatch import request_route
from loopwatch.request_route import describe_request
from tests.support.waiting import wait_until

PACKAGE = "tests_request_route_urls"
matched = []


class Waiting:
    """A converter that asks the database."""

    regex = "waiting"

    def to_python(self, value):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return value

    def to_url(self, value):
        return value


class Costly:
    """A converter that takes as long as a pattern that backtracks."""

    regex = "costly"

    def to_python(self, value):
        matched.append(value)
        end = time.thread_time() + 2 * request_route.SLOW_S
        while time.thread_time() < end:
            pass
        raise ValueError

    def to_url(self, value):
        return value


register_converter(Costly, "costly")
register_converter(Waiting, "waiting")


def view(request):
    return HttpResponse("ok")


urlpatterns = [path("quick/", view), path("<costly:word>/", view), path("<waiting:word>/", view)]


@pytest.fixture(autouse=True)
def budget(settings, monkeypatch):
    settings.ROOT_URLCONF = __name__
    matched.clear()
    monkeypatch.setattr(request_route, "_budget", request_route._MatchingBudget())


def route_of(path):
    return describe_request(None, "http", "GET", path, "").route


@pytest.mark.parametrize(
    ("path", "root_path", "forced"),
    [
        ("/quick/", "", None),
        ("/shop/quick/", "/shop", None),
        ("/shop/quick/", "/shop/", None),
        ("/shop/quick/", "", "/shop"),
        ("/shop/quick/", "/elsewhere", "/shop/"),
        ("/quick/", None, "/shop"),
    ],
    ids=["at the top", "mounted", "with a slash", "FORCE_SCRIPT_NAME", "FORCE_SCRIPT_NAME alone counts", "WSGI"],
)
def test_the_route_is_that_below_the_path_where_the_site_is_mounted(settings, path, root_path, forced):
    settings.FORCE_SCRIPT_NAME = forced
    assert describe_request(None, "http", "GET", path, root_path).route == "quick/"


def test_a_path_that_takes_long_to_match_is_matched_once_and_no_other_for_a_while(monkeypatch):
    monkeypatch.setattr(request_route, "REST_FACTOR", 10_000)  # a busy machine may take seconds for these lines
    assert [route_of("/costly/") for _ in range(3)] == [""] * 3
    assert len(matched) == 1
    assert route_of("/quick/") == ""


def test_paths_are_matched_again_after_a_while(monkeypatch):
    monkeypatch.setattr(request_route, "REST_FACTOR", 0.1)
    route_of("/costly/")
    wait_until(lambda: route_of("/quick/") == "quick/")


def test_paths_that_are_matched_quickly_are_matched_at_once(monkeypatch):
    monkeypatch.setattr(request_route, "SLOW_S", 60.0)
    assert [route_of("/quick/") for _ in range(50)] == ["quick/"] * 50


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_a_path_converter_opens_is_closed(monkeypatch):
    monkeypatch.setattr(request_route, "SLOW_S", 60.0)
    connection.close()
    assert route_of("/waiting/") == "<waiting:word>/"
    assert connection.connection is None


def test_after_a_path_converter_that_waits_no_path_is_matched_for_a_while(monkeypatch):
    monkeypatch.setattr(request_route, "SLOW_S", 60.0)
    monkeypatch.setattr(request_route, "REST_FACTOR", 10_000)
    monkeypatch.setattr(Costly, "to_python", lambda self, value: time.sleep(request_route.SLOW_WAIT_S))
    assert route_of("/costly/") == "<costly:word>/"
    assert route_of("/quick/") == ""


def test_where_a_middleware_chooses_url_configurations_only_the_context_of_a_request_tells_its_route(monkeypatch):
    monkeypatch.setattr(request_route, "SLOW_S", 60.0)
    monkeypatch.setattr(request_route, "_urlconfs", request_route._Urlconfs())
    other = ModuleType("other")
    other.urlpatterns = [path("quick/", view, name="other"), path("", view)]

    def of_another_host(path):
        set_urlconf(other)
        return route_of(path)

    assert route_of("/quick/") == "quick/"
    assert copy_context().run(of_another_host, "/") == "/"
    assert route_of("/quick/") == ""


def test_the_route_is_left_out_while_the_url_configuration_is_being_imported(settings, tmp_path, monkeypatch):
    """The thread that imports it holds the lock of the module for as long as that takes."""
    (tmp_path / f"{PACKAGE}.py").write_text(
        "import tests.test_request_route as test; test.go_on.wait(); urlpatterns = []"
    )
    monkeypatch.syspath_prepend(tmp_path)
    settings.ROOT_URLCONF = PACKAGE
    importer = threading.Thread(target=__import__, args=[PACKAGE])
    importer.start()
    try:
        wait_until(lambda: PACKAGE in sys.modules)
        asked = threading.Thread(target=route_of, args=["/quick/"], daemon=True)
        asked.start()
        asked.join(30)
        assert not asked.is_alive()
    finally:
        go_on.set()
        importer.join()
        sys.modules.pop(PACKAGE, None)


def test_a_url_configuration_that_is_no_module_is_used(settings):
    settings.ROOT_URLCONF = ModuleType("own")
    settings.ROOT_URLCONF.urlpatterns = [path("own/", view)]
    assert route_of("/own/") == "own/"


go_on = threading.Event()
