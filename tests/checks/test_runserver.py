import sys
from types import ModuleType

import pytest
from django.core.management import get_commands

from loopwatch.checks import runserver
from loopwatch.wsgi import LoopWatchWSGI

W018 = "loopwatch.W018"


def application(environ, start_response):
    """A WSGI application that is not wrapped."""


class Middleware:
    def __init__(self, inner):
        self.application = inner


@pytest.fixture
def wsgi(settings, monkeypatch):
    """Return a function that makes an object the WSGI application of this site."""
    module = ModuleType("site_wsgi")
    monkeypatch.setitem(sys.modules, "site_wsgi", module)
    settings.WSGI_APPLICATION = "site_wsgi.application"
    return lambda value: setattr(module, "application", value)


@pytest.fixture
def runs(monkeypatch):
    """Return a function that has this process be a command, with the ``runserver`` of an app."""

    def run(*command, by="django.contrib.staticfiles"):
        monkeypatch.setattr(sys, "argv", ["manage.py", *command])
        monkeypatch.setattr(runserver, "get_commands", lambda: get_commands() | {"runserver": by})

    return run


@pytest.mark.parametrize("by", ["django.core", "django.contrib.staticfiles"])
def test_a_runserver_that_speaks_wsgi_is_named_as_it_starts(wsgi, runs, found, by):
    wsgi(application)
    runs("runserver", "8000", by=by)
    (message,) = found(W018)
    assert "daphne" in message.hint


def test_django_has_such_a_runserver():
    assert get_commands()["runserver"] in {"daphne", *runserver._BY_WSGI}


def test_other_commands_and_the_runserver_of_daphne_are_not_named(wsgi, runs, found):
    wsgi(application)
    runs("check")
    assert not found(W018)
    runs("runserver", by="daphne")
    assert not found(W018)


def test_an_application_that_is_wrapped_for_wsgi_is_watched(wsgi, runs, found):
    runs("runserver")
    wsgi(Middleware(LoopWatchWSGI(application)))
    assert not found(W018)


def test_an_application_that_does_not_import_is_not_watched_either(settings, runs, found):
    settings.WSGI_APPLICATION = "nowhere.application"
    runs("runserver")
    assert found(W018)


@pytest.mark.parametrize("loopwatch", [{"ENABLED": False}, {"THRESHOLD_MS": "many"}])
def test_nothing_is_said_where_loopwatch_is_off(settings, wsgi, runs, found, loopwatch):
    settings.LOOPWATCH = loopwatch
    wsgi(application)
    runs("runserver")
    assert not found(W018)
