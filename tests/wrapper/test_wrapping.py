"""What can be wrapped, and where."""

import os
import sys
from functools import partial

import pytest
from channels.generic.websocket import AsyncWebsocketConsumer
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

from loopwatch.asgi import LoopWatch
from tests.support.children import run


def test_the_wrapper_can_be_imported_before_the_settings_are_known():
    program = "import loopwatch.asgi, loopwatch; loopwatch.watch()"
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = run([sys.executable, "-W", "error", "-c", program], env=environment)
    assert done.returncode == 0, done.stderr


class Chat(AsyncWebsocketConsumer):
    """A consumer, which is no application before ``as_asgi()``."""


def flask(environ, start_response):
    """An application for WSGI that is not Django's."""


@pytest.mark.parametrize(
    ("mistake", "problem"),
    [
        (get_asgi_application, "does not take scope, receive and send"),
        (get_wsgi_application, "does not take scope, receive and send"),
        (get_wsgi_application(), "is a WSGI application"),
        (flask, "is a WSGI application"),
        (Chat, "is a class whose objects cannot be awaited"),
        (None, "cannot be called"),
        ("app", "cannot be called"),
    ],
)
def test_wrapping_an_object_that_is_no_application_raises(mistake, problem):
    with pytest.raises(TypeError, match=rf"{problem}: write LoopWatch\(get_asgi_application\(\)\)"):
        LoopWatch(mistake)


class Endpoint:
    """An application that is a class, as Starlette's endpoints are."""

    def __init__(self, scope, receive, send):
        pass

    def __await__(self):
        yield


@pytest.mark.parametrize("application", [Chat.as_asgi(), Endpoint, LoopWatch(Chat.as_asgi()), partial(print, end="")])
def test_every_form_of_an_application_is_accepted(application):
    assert LoopWatch(application).application is application


def test_a_server_that_does_not_run_asyncio_is_served_without_loopwatch(caplog):
    served = []

    async def application(scope, receive, send):
        served.append(scope["path"])

    for url in ("/first/", "/second/"):
        with pytest.raises(StopIteration):
            LoopWatch(application)({"type": "http", "path": url}, None, None).send(None)
    assert served == ["/first/", "/second/"]
    assert [record.getMessage() for record in caplog.records] == [
        "This process runs without loopwatch, because its server does not run asyncio."
    ]
