import sys
from types import ModuleType

import pytest
from django.contrib import admin
from django.urls import include, path

from loopwatch.models import Finding

W019 = "loopwatch.W019"


@pytest.fixture
def serves(settings, monkeypatch):
    """Return a function that serves some URL patterns."""

    def serve(*patterns):
        module = ModuleType("site_of_urls")
        module.urlpatterns = list(patterns)
        monkeypatch.setitem(sys.modules, "site_of_urls", module)
        settings.ROOT_URLCONF = "site_of_urls"

    return serve


def test_an_admin_site_without_the_pages_is_named_wherever_it_is_included(serves, found):
    site = admin.AdminSite("backoffice")
    serves(path("ops/", include([path("staff/", site.urls)])))
    (message,) = found(W019)
    assert "'backoffice'" in message.msg


def test_a_site_beside_the_default_one_need_not_have_them(serves, found):
    serves(path("ops/", admin.AdminSite("backoffice").urls), path("admin/", admin.site.urls))
    assert not found(W019)


def test_a_site_that_they_are_registered_with_has_them(serves, found):
    site = admin.AdminSite("backoffice")
    site.register(Finding, type(admin.site.get_model_admin(Finding)))
    serves(path("ops/", site.urls))
    assert not found(W019)


def test_a_site_without_an_admin_or_with_broken_urls_is_not_named(serves, settings, found):
    serves()
    assert not found(W019)
    settings.ROOT_URLCONF = "nowhere.urls"
    assert not found(W019)
