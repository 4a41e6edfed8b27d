import sys
from types import ModuleType

import pytest
from django.core.checks import run_checks

from loopwatch.asgi import LoopWatch
from loopwatch.checks.async_unsafe import VARIABLE


@pytest.fixture
def application(settings, monkeypatch):
    """Makes an object the ASGI application of this site."""
    monkeypatch.delenv(VARIABLE, raising=False)
    module = ModuleType("site_asgi")
    monkeypatch.setitem(sys.modules, "site_asgi", module)

    def install(value):
        module.application = value
        settings.ASGI_APPLICATION = "site_asgi.application"

    return install


async def page(scope, receive, send):
    """An application that is of no interest."""


@pytest.fixture
def served(application):
    """This site is served by ASGI, and watched."""
    application(LoopWatch(page))


@pytest.fixture
def found():
    """The messages of the checks with this id."""

    def run(wanted, **options):
        return [message for message in run_checks(tags=["loopwatch"], **options) if message.id == wanted]

    return run
