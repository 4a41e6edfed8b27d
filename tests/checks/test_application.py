from unittest.mock import Mock

import pytest
from django.core.checks import run_checks
from django.test import override_settings
from django.utils.functional import SimpleLazyObject

from loopwatch.checks.async_unsafe import VARIABLE
from loopwatch.detection.cpython import known_versions


class Wrapped:
    is_loopwatch = True


class Middleware:
    def __init__(self, inner):
        self.inner = inner


class Slotted:
    __slots__ = ("app",)

    def __init__(self, app):
        self.app = app


class Starlette:
    """An application that has its routes from its router."""

    def __init__(self, *routes):
        self.router = Middleware(None)
        self.router.routes = list(routes)

    @property
    def routes(self):
        return self.router.routes


asked = []


class Asked:
    """An application that notes that it is asked for an attribute."""

    def __getattr__(self, name):
        asked.append(name)
        return Wrapped()


class Computing:
    """Middleware that computes what it wraps."""

    @property
    def application(self):
        asked.append("application")
        return Wrapped()


class Router:
    def __init__(self, **application_mapping):
        self.application_mapping = application_mapping


async def bare(scope, receive, send):
    """An application that is not wrapped."""


def ids():
    return [message.id for message in run_checks(tags=["loopwatch"])]


def test_a_site_with_right_settings_has_no_messages(settings):
    settings.LOOPWATCH = {"THRESHOLD_MS": 20}
    assert ids() == []


def test_every_problem_is_an_error_with_a_hint(settings):
    settings.LOOPWATCH = {"TRESHOLD_MS": 20, "ENGINE": "magic"}
    found = run_checks(tags=["loopwatch"])
    assert [message.id for message in found] == ["loopwatch.E002", "loopwatch.E005"]
    assert all(message.is_serious() and message.hint for message in found)


def test_an_application_that_is_not_wrapped_gives_a_warning(application):
    application(bare)
    (message,) = run_checks(tags=["loopwatch"])
    assert message.id == "loopwatch.W001"
    assert "application = LoopWatch(application)" in message.hint


@pytest.mark.parametrize(
    "wrapped",
    [
        Wrapped(),
        Middleware(Wrapped()),
        Middleware(Middleware(Wrapped())),
        Slotted(Wrapped()),
        Starlette(Slotted(Wrapped())),
        Router(http=Wrapped(), websocket=Middleware(Wrapped()), lifespan=bare),
    ],
)
def test_a_wrapped_application_is_found_below_other_middleware(application, wrapped):
    application(wrapped)
    assert ids() == []


@pytest.mark.parametrize("around", [lambda application: application, Middleware])
def test_an_application_of_which_only_a_part_is_wrapped_gives_a_warning(application, around):
    application(around(Router(http=Wrapped(), websocket=bare, channel=Router(images=bare), lifespan=bare)))
    (message,) = run_checks(tags=["loopwatch"])
    assert message.id == "loopwatch.W013"
    assert '"websocket" and "channel"' in message.msg
    assert "application = LoopWatch(ProtocolTypeRouter" in message.hint


def test_a_router_inside_the_wrapper_may_lead_to_a_part_that_is_wrapped_again(application):
    wrapped = Wrapped()
    wrapped.application = Router(http=Wrapped(), websocket=bare)
    application(wrapped)
    assert ids() == []


def test_middleware_around_itself_ends_the_search_of_the_check(application):
    circle = Middleware(None)
    circle.inner = circle
    application(circle)
    assert ids() == ["loopwatch.W001"]


@pytest.mark.parametrize(
    "unknown",
    [
        pytest.param(Asked(), id="__getattr__"),
        pytest.param(Computing(), id="a property"),
        pytest.param(SimpleLazyObject(lambda: asked.append("evaluated")), id="a lazy object"),
        pytest.param(Mock(), id="a mock"),
    ],
)
@pytest.mark.parametrize(
    "around", [lambda unknown: unknown, Middleware, lambda unknown: Router(http=Wrapped(), websocket=unknown)]
)
def test_an_application_whose_code_would_have_to_run_is_not_asked_and_gives_no_warning(application, around, unknown):
    asked.clear()
    application(around(unknown))
    assert ids() == []
    assert asked == []


def test_an_application_that_does_not_import_gives_a_warning(settings):
    settings.ASGI_APPLICATION = "nowhere.asgi.application"
    (message,) = run_checks(tags=["loopwatch"])
    assert (message.id, "nowhere" in message.msg) == ("loopwatch.W002", True)


@pytest.mark.parametrize("switch", [{"ENABLED": False}, {"ENABLED": "wrong"}])
def test_the_application_is_not_checked_if_loopwatch_is_switched_off_or_misconfigured(application, settings, switch):
    application(bare)
    settings.LOOPWATCH = switch
    assert "loopwatch.W001" not in ids()


@pytest.mark.parametrize("module", ["testproject.settings", "testproject.settings.production"])
def test_a_site_with_an_asgi_module_that_it_does_not_name_is_told_that_nothing_is_known(settings, module):
    settings.ASGI_APPLICATION = None
    settings.SETTINGS_MODULE = module
    (message,) = run_checks(tags=["loopwatch"])
    assert (message.id, message.is_serious()) == ("loopwatch.I001", False)
    assert message.hint == 'Set ASGI_APPLICATION = "testproject.asgi.application".'


@pytest.mark.parametrize("module", ["tests.settings", "settings", "", None, "nowhere.settings"])
def test_a_site_without_an_asgi_application_gives_no_warning(settings, module):
    settings.ASGI_APPLICATION = None
    settings.SETTINGS_MODULE = module
    assert ids() == []


@pytest.mark.parametrize("switch", [{"ENABLED": False}, {"ENABLED": None}])
def test_a_site_that_is_not_watched_is_not_asked_for_its_application(settings, switch):
    settings.ASGI_APPLICATION = None
    settings.SETTINGS_MODULE = "testproject.settings"
    settings.LOOPWATCH = switch
    assert "loopwatch.I001" not in ids()


@pytest.mark.parametrize("switch", [{"ASGI_APPLICATION": None}, {"LOOPWATCH": {"ENABLED": False}}])
@pytest.mark.usefixtures("served")
def test_checks_of_a_site_under_asgi_are_made_on_no_other(monkeypatch, found, switch):
    monkeypatch.setenv(VARIABLE, "1")
    monkeypatch.setattr(known_versions, "KNOWN_UNTIL", (3, 10))
    assert [len(found(check)) for check in ("loopwatch.W005", "loopwatch.W009")] == [1, 1]
    with override_settings(**switch):
        assert not found("loopwatch.W005")
        assert not found("loopwatch.W009")
