import logging
import socket
from logging.handlers import (
    DatagramHandler,
    HTTPHandler,
    MemoryHandler,
    QueueHandler,
    SMTPHandler,
    SocketHandler,
    SysLogHandler,
)
from queue import SimpleQueue

import django
import pytest
from django.utils.log import AdminEmailHandler, RequireDebugFalse

pytestmark = pytest.mark.usefixtures("served")
W014 = "loopwatch.W014"


class Slack(HTTPHandler):
    """A handler of the site."""


@pytest.fixture
def attach():
    """Return a function that attaches a handler to a logger for the duration of the test."""
    attached = []

    def attach(handler, name="shop"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        attached.append((logger, handler))

    yield attach
    for logger, handler in attached:
        logger.removeHandler(handler)
        handler.close()


@pytest.fixture
def mail(settings):
    """Have this site send mail to its admins."""
    settings.ADMINS = [("Ada", "ada@shop.example")]
    settings.DEBUG = False
    send_by(settings, "smtp")
    handler = AdminEmailHandler()
    handler.addFilter(RequireDebugFalse())
    return handler


def send_by(settings, name):
    backend = f"django.core.mail.backends.{name}.EmailBackend"
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": backend}}
    else:
        settings.EMAIL_BACKEND = backend


@pytest.fixture
def syslog():
    """Return a server of syslog over TCP, which accepts and reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


@pytest.mark.parametrize(
    "handler",
    [
        lambda: HTTPHandler("logs.example", "/"),
        lambda: Slack("logs.example", "/"),
        lambda: SMTPHandler("mail.example", "a@shop.example", ["b@shop.example"], "Log"),
        lambda: SocketHandler("logs.example", 9020),
        lambda: MemoryHandler(100, target=SocketHandler("logs.example", 9020)),
    ],
)
def test_a_handler_that_waits_for_the_network_is_named_with_its_logger(attach, found, handler):
    made = handler()
    attach(made)
    (message,) = found(W014)
    assert f": {type(made).__name__} (shop). " in message.msg
    assert "QueueHandler" in message.hint


def test_a_handler_of_the_root_logger_is_named(attach, found):
    attach(SocketHandler("logs.example", 9020), None)
    assert "SocketHandler (root)" in found(W014)[0].msg


def test_syslog_over_tcp_is_named_and_over_udp_it_is_not(attach, found, syslog):
    attach(SysLogHandler(syslog))
    assert not found(W014)
    attach(SysLogHandler(syslog, socktype=socket.SOCK_STREAM))
    assert "SysLogHandler (shop)" in found(W014)[0].msg


@pytest.mark.parametrize(
    "handler",
    [
        logging.StreamHandler,
        lambda: DatagramHandler("logs.example", 9021),
        lambda: QueueHandler(SimpleQueue()),
        lambda: MemoryHandler(100, target=logging.StreamHandler()),
        lambda: MemoryHandler(100),
    ],
)
def test_other_handlers_give_no_warning(attach, found, handler):
    attach(handler())
    assert not found(W014)


def test_djangos_handler_for_admins_is_named(attach, found, mail):
    attach(mail)
    assert "AdminEmailHandler (shop)" in found(W014)[0].msg


@pytest.mark.parametrize(("name", "value"), [("ADMINS", []), ("DEBUG", True)])
def test_djangos_handler_gives_no_warning_where_it_sends_nothing(attach, found, mail, settings, name, value):
    attach(mail)
    setattr(settings, name, value)
    assert not found(W014)


@pytest.mark.parametrize("name", ["console", "dummy", "filebased", "locmem"])
def test_djangos_handler_gives_no_warning_where_mail_stays_here(attach, found, mail, settings, name):
    attach(mail)
    send_by(settings, name)
    assert not found(W014)


@pytest.mark.parametrize("name", ["loopwatch", "loopwatch.findings"])
def test_a_handler_of_loopwatchs_own_loggers_gives_no_warning(attach, found, name):
    attach(SocketHandler("logs.example", 9020), name)
    assert not found(W014)
