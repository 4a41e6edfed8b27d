"""Whose code a frame is."""

import asyncio
import json
import linecache
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import django
import pytest

from loopwatch import asgi
from loopwatch.detection.cpython.code_owner import Owner, is_template, owner_of, owner_of_file
from loopwatch.detection.cpython.site_packages import count_as_in_app, packages_of_site

STANDARD = sysconfig.get_path("stdlib")
PACKAGES = sysconfig.get_path("purelib")


@pytest.mark.parametrize(
    ("filename", "owner"),
    [
        (__file__, Owner.IN_APP),
        ("/srv/site/shop/views.py", Owner.IN_APP),
        ("/srv/json/decoder.py", Owner.IN_APP),
        ("relative/shop/views.py", Owner.IN_APP),
        ("", Owner.IN_APP),
        (json.__file__, Owner.STANDARD_LIBRARY),
        (linecache.__file__, Owner.STANDARD_LIBRARY),
        ("<frozen importlib._bootstrap>", Owner.STANDARD_LIBRARY),
        (django.__file__, Owner.PACKAGE),
        (f"{PACKAGES}/payments/client.py", Owner.PACKAGE),
        ("/srv/other-venv/lib/python3.12/site-packages/payments.py", Owner.PACKAGE),
        ("/usr/lib/python3/dist-packages/payments.py", Owner.PACKAGE),
        (f"{STANDARD}-of-mine/views.py", Owner.IN_APP),
        (asgi.__file__, Owner.PLUMBING),
    ],
)
def test_by_the_file(filename, owner):
    assert owner_of_file(filename) is owner


@pytest.mark.parametrize(
    ("filename", "owner"),
    [
        (f"{PACKAGES}/shop/views.py", Owner.IN_APP),
        (f"{PACKAGES}/shop.py", Owner.IN_APP),
        ("/srv/venv/lib/python3.12/site-packages/acme/orders/models.py", Owner.IN_APP),
        ("/srv/venv/lib/python3.12/site-packages/acme/payments/client.py", Owner.PACKAGE),
        (f"{PACKAGES}/shopping/views.py", Owner.PACKAGE),
        (f"{PACKAGES}/payments/shop/views.py", Owner.PACKAGE),
    ],
)
def test_an_installed_package_is_in_app_if_it_is_named(named, filename, owner):
    named("shop", "acme.orders")
    assert owner_of_file(filename) is owner
    named()
    assert owner_of_file(filename) is Owner.PACKAGE


@pytest.fixture
def named():
    before = packages_of_site()
    yield lambda *names: count_as_in_app(names)
    count_as_in_app(before)


def code(filename):
    return compile("pass", filename, "exec")


@pytest.mark.parametrize(
    ("filename", "module", "owner"),
    [
        ("/srv/site/shop/views.py", "shop.views", Owner.IN_APP),
        ("/srv/site/asyncio_of_mine.py", "asyncio_of_mine", Owner.IN_APP),
        (asyncio.__file__, "asyncio", Owner.PLUMBING),
        (f"{STANDARD}/asyncio/base_events.py", "asyncio.base_events", Owner.PLUMBING),
        (f"{STANDARD}/concurrent/futures/thread.py", "concurrent.futures.thread", Owner.PLUMBING),
        (f"{PACKAGES}/asgiref/sync.py", "asgiref.sync", Owner.PLUMBING),
        ("<string>", "shop.views", Owner.GENERATED),
        ("<string>", "namedtuple_Row", Owner.GENERATED),
        ("<string>", "", Owner.GENERATED),
        ("<string>", __name__, Owner.GENERATED),
        ("<attrs generated methods shop.Row>", __name__, Owner.GENERATED),
        ("<template>", "", Owner.GENERATED),
        ("/srv/site/templates/page.html", "", Owner.GENERATED),
        ("<string>", "json", Owner.STANDARD_LIBRARY),
        ("<string>", "collections", Owner.STANDARD_LIBRARY),
        ("<string>", "django.template", Owner.PACKAGE),
        ("<stdin>", "__main__", Owner.IN_APP),
        ("<python-input-0>", "__main__", Owner.IN_APP),
        ("<console>", "", Owner.IN_APP),
    ],
)
def test_by_the_module_too(filename, module, owner):
    assert owner_of(code(filename), module) is owner


@pytest.mark.parametrize(
    ("file_of_main", "owner"),
    [
        pytest.param(None, Owner.IN_APP, id="the program, if it was given on the command line"),
        pytest.param("/srv/site/manage.py", Owner.GENERATED, id="generated, if the program is a file"),
    ],
)
def test_text_that_runs_in_the_program_is(file_of_main, owner, monkeypatch):
    monkeypatch.setattr("__main__.__file__", file_of_main, raising=False)
    assert owner_of(code("<string>"), "__main__") is owner


@pytest.mark.parametrize(
    ("filename", "module", "is_one"),
    [
        ("<template>", "", True),
        ("/srv/site/templates/page.html", "", True),
        ("/srv/site/templates/page.html", "shop.views", False),
        ("/srv/site/shop/views.py", "", False),
        ("<string>", "", False),
        ("", "", False),
    ],
)
def test_a_template_has_no_module_and_no_python_file(filename, module, is_one):
    assert is_template(code(filename), module) is is_one


def test_a_package_of_the_user_that_is_linked_into_the_environment_is_the_users(tmp_path):
    """As an editable install leaves it: the files stay where they are written."""
    assert owner_of_file(str(Path(tmp_path, "src", "shop", "models.py"))) is Owner.IN_APP


def test_generated_code_of_a_module_whose_attributes_raise_has_an_owner(monkeypatch):
    class Odd(ModuleType):
        def __getattr__(self, name):
            raise RuntimeError(name)

    monkeypatch.setitem(sys.modules, "odd_module", Odd("odd_module"))
    assert owner_of(code("<string>"), "odd_module") is Owner.GENERATED
