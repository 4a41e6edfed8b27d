"""The live page without a browser: the path of its WebSocket, or what is missing."""

import sys

import pytest
from django.test import override_settings
from django.urls import reverse, set_script_prefix

from loopwatch.live.readiness import Obstacle, readiness
from tests.stored import stored_finding

APPLICATIONS = "tests.live.applications"


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("usual", "/loopwatch/live/"),
        ("wrapped", "/loopwatch/live/"),
        ("nested", "/ws/stalls"),
        ("by_regex", "/ws/live/"),
    ],
)
def test_the_route_is_found_at_any_depth_of_the_application(settings, name, route):
    settings.ASGI_APPLICATION = f"{APPLICATIONS}.{name}"
    assert readiness().path == route


def test_the_path_includes_the_prefix_of_the_site(settings):
    settings.ASGI_APPLICATION = f"{APPLICATIONS}.usual"
    set_script_prefix("/shop/")
    try:
        assert readiness().path == "/shop/loopwatch/live/"
    finally:
        set_script_prefix("/")


@pytest.fixture
def without_channels(monkeypatch):
    """Hide Channels, as if it were not installed."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "channels"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "channels", None)
    for name in ("loopwatch.live.consumers", "loopwatch.live.access", "loopwatch.live.origin"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_without_channels_the_page_says_what_to_install(admin_client, without_channels):
    assert readiness().obstacle is Obstacle.NO_CHANNELS
    assert 'pip install "channels[daphne]"' in page_of(admin_client)


@pytest.mark.parametrize("name", ["plain", "with_parameter", "without"])
def test_without_a_route_the_page_says_what_to_add(admin_client, name):
    with override_settings(ASGI_APPLICATION=f"{APPLICATIONS}.{name}"):
        assert readiness().obstacle is Obstacle.NO_ROUTE
        page = page_of(admin_client)
    assert "AuthMiddlewareStack(URLRouter(websocket_urlpatterns))" in page
    assert '<script src="/static/loopwatch/live.js"' not in page


@pytest.mark.parametrize("application", [None, "no.such.module", f"{APPLICATIONS}.missing"])
def test_without_an_application_the_page_says_what_to_set(admin_client, application):
    with override_settings(ASGI_APPLICATION=application):
        assert readiness().obstacle is Obstacle.NO_APPLICATION
        assert "ASGI_APPLICATION = " in page_of(admin_client)


@pytest.mark.parametrize(
    ("loopwatch", "obstacle", "remedy"),
    [
        ({"ENABLED": False}, Obstacle.SWITCHED_OFF, '{"ENABLED": True}'),
        ({"SINKS": ["database"]}, Obstacle.NO_SINK, '{"SINKS": [..., "live"]}'),
    ],
)
def test_the_page_names_the_obstacle_in_the_settings(admin_client, settings, loopwatch, obstacle, remedy):
    settings.LOOPWATCH = loopwatch
    assert readiness().obstacle is obstacle
    assert remedy in page_of(admin_client)


def test_a_line_leads_to_its_finding_once_that_is_stored(admin_client):
    finding = stored_finding()
    there = admin_client.get(reverse("admin:loopwatch_live_finding", args=[finding.fingerprint]))
    assert there.url == reverse("admin:loopwatch_finding_change", args=[finding.pk])
    not_yet = admin_client.get(reverse("admin:loopwatch_live_finding", args=["f" * 32]), follow=True)
    assert "not been stored yet" in not_yet.content.decode()


def page_of(client):
    response = client.get(reverse("admin:loopwatch_live_changelist"))
    assert response.status_code == 200
    return response.content.decode()
