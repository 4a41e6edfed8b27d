from contextvars import copy_context
from functools import partial, wraps
from types import MethodType

import pytest
from asgiref.sync import SyncToAsync
from channels.consumer import SyncConsumer
from channels.generic.websocket import WebsocketConsumer
from django.core.handlers.exception import convert_exception_to_response
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from loopwatch.models import Finding
from loopwatch.thread_waits.work_name import name_of


class Chat(WebsocketConsumer):
    def save(self):
        """A method."""

    @classmethod
    def load(cls):
        """A class method."""

    @staticmethod
    def check(message):
        """A static method."""


class Middleware(MiddlewareMixin):
    """A callable that is no function."""


def save(message):
    """A function."""


def decorated(function):
    @wraps(function)
    def inner(*args):
        return function(*args)

    return inner


class Hostile:
    @property
    def __wrapped__(self):
        raise ValueError

    def __call__(self):
        """Never called."""


HERE = __name__


@pytest.mark.parametrize(
    ("function", "args", "name"),
    [
        (save, ("a message",), f"{HERE}.save"),
        (partial(save, "a message"), (), f"{HERE}.save"),
        (decorated(decorated(save)), (), f"{HERE}.save"),
        (Chat().save, (), f"{HERE}.Chat.save"),
        (Chat.load, (), f"{HERE}.Chat.load"),
        (Chat.check, (Chat(),), f"{HERE}.Chat.check"),
        (vars(SyncConsumer)["dispatch"].func, (Chat(), {"type": "websocket.receive"}), f"{HERE}.Chat.dispatch"),
        (Finding.objects.all().count, (), "django.db.models.query.QuerySet.count"),
        (convert_exception_to_response(Middleware(lambda request: None)), (), f"{HERE}.Middleware"),
        (len, ([],), "len"),
        ("text".upper, (), "str.upper"),
        (Hostile(), (), f"{HERE}.Hostile"),
    ],
)
def test_work_is_named_by_the_function_that_the_site_passed(function, args, name):
    handed_over = partial(SyncToAsync(save).thread_handler, None, None, [], None, partial(function, *args))
    assert name_of(handed_over) == name


@pytest.mark.parametrize(("function", "args"), [(save, ("a message",)), (partial(save, "a message"), ())])
def test_work_is_named_by_the_function_that_the_site_passed_to_to_thread(function, args):
    assert name_of(partial(copy_context().run, function, *args)) == f"{HERE}.save"


def test_work_that_asgiref_did_not_wrap_has_a_name():
    assert name_of(save) == f"{HERE}.save"
    assert name_of(Chat().save) == f"{HERE}.Chat.save"
    assert name_of(Hostile()) == f"{HERE}.Hostile"


class Remote:
    """A proxy that asks its server for every attribute, as those of rpyc do, and those of xmlrpc for most."""

    def __getattribute__(self, name):
        asked.append(name)
        return Remote()

    def __call__(self):
        """Never called."""


class Lazy(SimpleLazyObject):
    """A proxy that is evaluated when most attributes are read."""

    def __call__(self):
        """Never called."""


asked = []


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (Remote, f"{HERE}.Remote"),
        (lambda: MethodType(Remote(), "an order"), f"{HERE}.Remote"),
        (lambda: Lazy(lambda: asked.append("evaluated")), f"{HERE}.Lazy"),
        (lambda: MethodType(save, Remote()), f"{HERE}.save"),
    ],
)
def test_a_proxy_is_named_by_its_type_without_being_asked_for_anything(make, name):
    asked.clear()
    work = make()
    assert [name_of(each) for each in (work, partial(work), partial(copy_context().run, work))] == [name] * 3
    assert not asked
