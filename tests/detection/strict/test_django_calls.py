"""Django's own calls in strict mode: findings with any backend, unless Django's coroutines make them."""

import asyncio
import functools
import pkgutil
import zoneinfo
from types import SimpleNamespace

import django
import jinja2
import pytest
from django.contrib.auth import aauthenticate, authenticate, login, password_validation
from django.contrib.auth.hashers import acheck_password, check_password, make_password
from django.contrib.auth.models import User
from django.contrib.sessions.backends import cache as cached_sessions
from django.contrib.sessions.backends import file as file_sessions
from django.contrib.sessions.backends import signed_cookies
from django.core import mail
from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, default_storage
from django.core.mail.backends.locmem import EmailBackend
from django.db.models.fields.files import FieldFile, FileField
from django.forms.renderers import DjangoTemplates
from django.template import engines
from django.template.loader import get_template
from django.test import override_settings
from django.utils import translation
from django.utils.translation import trans_real

from loopwatch import strict
from loopwatch.detection.strict.django_calls import FUNCTIONS, METHODS, SET_UP_ONCE
from tests.detection.strict.found import found_in
from tests.detection.strict.test_catalogue import function_of

BASE_CACHE = "django.core.cache.BaseCache"
EXISTING_SESSION = "a" * 32
IN_MEMORY = {
    "CACHES": {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "dummy": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    },
    "STORAGES": {"default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}},
    "SESSION_ENGINE": "django.contrib.sessions.backends.cache",
    # From Django 6.1 on, whose test runner has it in memory if the site has it at all.
    "MAILERS": {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}},
}


@pytest.fixture(autouse=True)
def backends_in_memory():
    with override_settings(**IN_MEMORY):
        yield


def session(kind=cached_sessions):
    return kind.SessionStore(EXISTING_SESSION)


def message():
    return mail.EmailMessage("Paid", "Thanks", "shop@example.com", ["bob@example.com"])


def logs_in():
    user = SimpleNamespace(pk=1, id=1, get_session_auth_hash=str, save=lambda **_: None, _meta=User._meta)
    login(SimpleNamespace(session=session(), META={}), user, backend="shop.Backend")


def saves_the_file_of_a_field():
    field = FileField(storage=InMemoryStorage())
    field.set_attributes_from_name("scan")
    FieldFile(SimpleNamespace(), field, "").save("scan.pdf", ContentFile(b"scan"), save=False)


def renders_a_cached_fragment():
    engines["django"].from_string("{% load cache %}{% cache 60 total %}1{% endcache %}").render()


WAITING = [
    (lambda: mail.send_mail("Paid", "Thanks", "shop@example.com", ["bob@example.com"]), "core.mail.EmailMessage.send"),
    (lambda: message().send(), "core.mail.EmailMessage.send"),
    (lambda: EmailBackend().send_messages([message()]), "core.mail.backends.base.BaseEmailBackend.send_messages"),
    (lambda: cache.get("total"), "core.cache.BaseCache.get"),
    (lambda: "total" in cache, "core.cache.BaseCache.has_key"),
    (lambda: cache.get_or_set("total", 1), "core.cache.BaseCache.get_or_set"),
    (lambda: caches["dummy"].set_many({"total": 1}), "core.cache.BaseCache.set_many"),
    (renders_a_cached_fragment, "core.cache.BaseCache.get"),
    (lambda: session().get("cart"), "contrib.sessions.backends.base.SessionBase.load"),
    (lambda: session().create(), "contrib.sessions.backends.base.SessionBase.create"),
    (lambda: default_storage.save("scan.pdf", ContentFile(b"scan")), "core.files.storage.Storage.save"),
    (lambda: default_storage.exists("scan.pdf"), "core.files.storage.Storage.exists"),
    (saves_the_file_of_a_field, "core.files.storage.Storage.save"),
    (lambda: make_password("secret"), "contrib.auth.hashers.make_password"),
    (lambda: check_password("secret", "md5$salt$hash"), "contrib.auth.hashers.check_password"),
    (lambda: User().set_password("secret"), "contrib.auth.hashers.make_password"),
    (lambda: authenticate(token="secret"), "contrib.auth.authenticate"),
    (logs_in, "contrib.auth.login"),
]


@pytest.mark.parametrize(("function", "name"), WAITING)
def test_a_call_that_a_backend_in_memory_answers_is_found(function, name):
    assert f"django.{name}" in found_in(function)


def calls_in(coroutine_function):
    with strict() as watcher:
        asyncio.run(coroutine_function())
    return watcher.calls


async def creates_a_user():
    await User.objects.acreate_user("bob", password="secret")


AWAITED = [
    lambda: cache.aget("total"),
    lambda: caches["dummy"].aset_many({"total": 1}),
    lambda: cache.aget_or_set("total", 1),
    lambda: session().aget("cart"),
    lambda: session().acycle_key(),
    lambda: session(signed_cookies).aget("cart"),
    lambda: acheck_password("secret", "md5$salt$hash"),
    lambda: aauthenticate(token="secret"),
    lambda: asyncio.to_thread(cache.get, "total"),
]


@pytest.mark.parametrize("awaited", AWAITED)
def test_an_asynchronous_counterpart_is_not_found(awaited):
    async def main():
        await awaited()

    assert calls_in(main) == []


def test_a_coroutine_of_django_that_reads_a_file_is_not_found(tmp_path):
    async def reads_a_session():
        await opened.aget("cart")

    with override_settings(SESSION_FILE_PATH=str(tmp_path)):
        opened = session(file_sessions)
        assert calls_in(reads_a_session) == []


@pytest.mark.django_db(transaction=True)
def test_a_hash_computed_by_a_coroutine_of_django_is_not_found():
    assert calls_in(creates_a_user) == []


def test_sessions_in_signed_cookies_wait_for_nothing():
    assert found_in(lambda: session(signed_cookies).get("cart")) == []


class ShopCache(LocMemCache):
    """A backend that the site has written."""

    def get(self, key, default=None, version=None):
        return default


def test_a_backend_of_the_site_is_called_by_its_caller():
    async def views_its_total():
        ShopCache("shop", {}).get("total")

    (call,) = calls_in(views_its_total)
    assert (call.name, call.called_name) == (f"{BASE_CACHE}.get", f"{BASE_CACHE}.get")
    assert call.function.endswith("views_its_total")
    assert call.source == 'ShopCache("shop", {}).get("total")'


def test_a_proxy_of_a_backend_is_not_what_is_called():
    async def asks():
        return "total" in cache

    (call,) = calls_in(asks)
    assert (call.called_name, call.source) == (f"{BASE_CACHE}.__contains__", '"total" in cache')


def test_a_method_of_the_same_name_elsewhere_is_not_found():
    class Prices:
        def get(self, key):
            return key

    assert found_in(Prices().get, "total") == []


@pytest.mark.skipif(django.VERSION < (6, 0), reason="Tasks came with Django 6.0")
def test_a_task_that_the_immediate_backend_runs_is_found():
    from django.tasks import task

    send_receipt = task(prints_a_receipt)

    async def enqueues():
        await send_receipt.aenqueue()
        send_receipt.enqueue()

    (call,) = calls_in(enqueues)
    assert call.name == "django.tasks.backends.base.BaseTaskBackend.enqueue"
    assert call.called_name == "django.tasks.Task.enqueue"


def prints_a_receipt():
    """A task is a function of a module."""


# What is set up once


def opens_a_cache_in_a_folder(tmp_path):
    folder = {"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": tmp_path / "c"}}

    async def sets():
        await cache.aset("total", 1)

    with override_settings(CACHES=folder):
        return calls_in(sets)


def first_use(function):
    async def main():
        function()

    return calls_in(main)


def opens_a_storage_that_reads_its_manifest(tmp_path):
    (tmp_path / "staticfiles.json").write_text('{"paths": {}, "version": "1.1"}')
    backend = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    stored = {"default": {"BACKEND": backend, "OPTIONS": {"location": tmp_path, "base_url": "/static/"}}}
    with override_settings(STORAGES=stored):
        return first_use(lambda: default_storage.base_url)


def loads_a_template(tmp_path):
    (tmp_path / "page.html").write_text("{% load static %}")
    settings = {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [tmp_path], "APP_DIRS": False}
    with override_settings(TEMPLATES=[settings]):
        return first_use(lambda: get_template("page.html"))


def loads_a_template_of_jinja(tmp_path):
    (tmp_path / "page.html").write_text("page")
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(tmp_path))
    return first_use(lambda: environment.get_template("page.html"))


def loads_the_template_of_a_form(_tmp_path):
    return first_use(lambda: DjangoTemplates().get_template("django/forms/widgets/text.html"))


def activates_a_language(_tmp_path):
    trans_real._translations.pop("nl", None)
    for function in vars(trans_real).values():
        if isinstance(function, functools._lru_cache_wrapper):
            function.cache_clear()

    def activates():
        assert translation.check_for_language("nl")
        with translation.override("nl"):
            pass

    return first_use(activates)


def validates_a_password(_tmp_path):
    password_validation.get_default_password_validators.cache_clear()
    validators = [{"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"}]
    with override_settings(AUTH_PASSWORD_VALIDATORS=validators):
        return first_use(lambda: password_validation.validate_password("Yukon Ho!"))


def names_its_host(_tmp_path):
    mail.DNS_NAME.__dict__.pop("_fqdn", None)
    return first_use(lambda: message().message())


def looks_up_a_time_zone(_tmp_path):
    zoneinfo.ZoneInfo.clear_cache()
    return first_use(lambda: zoneinfo.ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    "uses",
    [
        opens_a_cache_in_a_folder,
        opens_a_storage_that_reads_its_manifest,
        loads_a_template,
        loads_a_template_of_jinja,
        loads_the_template_of_a_form,
        activates_a_language,
        validates_a_password,
        names_its_host,
        looks_up_a_time_zone,
    ],
)
def test_what_is_made_at_the_first_use_and_kept_is_not_found(uses, tmp_path):
    assert [str(call) for call in uses(tmp_path)] == []


# The data


def is_missing(name):
    return name.startswith("django.tasks.") and django.VERSION < (6, 0)


def test_every_method_exists_on_its_class():
    for method, owners in METHODS.items():
        for owner, known in owners.items():
            if not is_missing(owner):
                assert callable(getattr(pkgutil.resolve_name(owner), method)), (owner, method)
                assert known is None or known.name.rpartition(".")[2] == method


@pytest.mark.parametrize("known", [known for owners in METHODS.values() for known in owners.values() if known])
def test_a_method_has_the_name_that_a_program_may_import(known):
    if not is_missing(known.name):
        assert callable(pkgutil.resolve_name(known.name))


@pytest.mark.parametrize("key", [*FUNCTIONS, *sorted(SET_UP_ONCE)], ids=":".join)
def test_a_function_of_django_is_where_it_is_said_to_be(key):
    module, qualname = key
    found = pkgutil.resolve_name(f"{module}:{qualname}")
    function = getattr(found, "func", found)  # a cached property has it there
    assert function_of(module, qualname) or function.__code__.co_qualname == qualname
