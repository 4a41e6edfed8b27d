import pwd
import sys
from pathlib import Path

import pytest

from loopwatch.recorder import paths
from loopwatch.recorder.paths import shorten


@pytest.fixture(autouse=True)
def site(settings, monkeypatch):
    settings.BASE_DIR = Path("/home/alice/site")
    monkeypatch.setenv("HOME", "/home/alice")
    monkeypatch.setattr(sys, "path", ["", "/", "/home", "/home/alice", "/opt", "/opt/libs", "/usr/lib/python3.12"])


@pytest.mark.parametrize(
    ("filename", "short"),
    [
        ("/home/alice/site/shop/views.py", "shop/views.py"),
        ("/home/alice/site/.venv/lib/python3.12/site-packages/django/core/cache.py", "django/core/cache.py"),
        ("/usr/lib/python3/dist-packages/six.py", "six.py"),
        ("/usr/lib/python3.12/asyncio/events.py", "asyncio/events.py"),
        ("/opt/libs/billing/api.py", "billing/api.py"),
        ("/opt/other/api.py", "other/api.py"),
        ("/home/alice/site-two/a.py", "site-two/a.py"),
        ("/home/alice/a.py", "a.py"),
        ("/home/bob/a.py", "a.py"),
        ("/home/bob/projects/deep/er/a.py", "deep/er/a.py"),
        ("/Users/carol/a.py", "a.py"),
        ("/root/a.py", "a.py"),
        ("/srv/one/two/three/four.py", "two/three/four.py"),
        ("/x.py", "x.py"),
        ("C:\\Users\\dave\\site\\a.py", "site/a.py"),
        ("C:\\Python312\\Lib\\site-packages\\six.py", "six.py"),
        ("D:\\one\\two\\three\\four.py", "two/three/four.py"),
        ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>"),
        ("<string>", "<string>"),
        ("shop/views.py", "shop/views.py"),
        ("", ""),
    ],
)
def test_a_path_is_shortened(filename, short):
    assert shorten(filename) == short


def test_windows_roots_are_compared_without_regard_to_case(settings):
    settings.BASE_DIR = "c:\\Sites\\Shop"
    assert shorten("C:\\sites\\shop\\pages\\views.py") == "pages/views.py"


def test_a_base_directory_reached_through_a_link_counts(settings, tmp_path):
    real = tmp_path / "releases" / "7"
    real.mkdir(parents=True)
    link = tmp_path / "current"
    link.symlink_to(real)
    settings.BASE_DIR = link
    assert shorten(str(real / "a.py")) == shorten(str(link / "a.py")) == "a.py"


def test_a_base_directory_may_be_bytes(settings):
    settings.BASE_DIR = b"/home/alice/site"
    assert shorten("/home/alice/site/shop/views.py") == "shop/views.py"


@pytest.mark.parametrize("entry", [Path("/opt/libs/billing"), b"/opt/libs/billing", None])
def test_python_ignores_entries_of_its_search_path_that_are_no_strings(monkeypatch, entry):
    monkeypatch.setattr(sys, "path", [entry, *sys.path])
    assert shorten("/opt/libs/billing/api.py") == "billing/api.py"


def test_a_user_without_a_home_directory_has_none_to_hide(monkeypatch):
    def unknown(_uid):
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(sys, "path", ["/srv/app"])
    paths._roots.cache_clear()
    assert shorten("/srv/app/shop/views.py") == "shop/views.py"


@pytest.mark.parametrize("base", [None, 7, "", "/"])
def test_a_base_directory_that_is_none_is_done_without(settings, base):
    settings.BASE_DIR = base
    assert shorten("/home/alice/site/shop/views.py") == "site/shop/views.py"


def test_a_base_directory_may_be_missing(settings):
    del settings.BASE_DIR
    assert shorten("/usr/lib/python3.12/json/encoder.py") == "json/encoder.py"
