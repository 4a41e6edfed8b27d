import sys
from types import ModuleType

import pytest
from django.core.checks import run_checks

from loopwatch.asgi import LoopWatch
from loopwatch.checks.async_unsafe import VARIABLE


@pytest.fixture
def application(settings, monkeypatch):
    """Return a function that makes an object the ASGI application of this site."""
    monkeypatch.delenv(VARIABLE, raising=False)
    module = ModuleType("site_asgi")
    monkeypatch.setitem(sys.modules, "site_asgi", module)

    def install(value):
        module.application = value
        settings.ASGI_APPLICATION = "site_asgi.application"

    return install


async def page(scope, receive, send):
    """An application that the checks do not look into."""


@pytest.fixture
def served(application):
    """Have this site name an ASGI application and be watched."""
    application(LoopWatch(page))


@pytest.fixture
def found():
    """Return a function that returns the messages of the checks with an id.

    Without ``databases``, no database is asked: from Django 6.1 on, all of them would be.
    """

    def run(wanted, *, databases=(), **options):
        messages = run_checks(tags=["loopwatch"], databases=databases, **options)
        return [message for message in messages if message.id == wanted]

    return run
