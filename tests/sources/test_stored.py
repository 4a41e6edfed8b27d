"""Stored file names are resolved only to files with the stored line, in the project or a package."""

import os
import sys
from pathlib import Path

import pytest

from loopwatch.rows.stacks import StoredFrame
from loopwatch.sources.stored import SourceFiles, UnreadableSourceError
from tests import settings as settings_module

LINE = "secret = 1"


@pytest.fixture
def base(settings, tmp_path):
    settings.BASE_DIR = tmp_path / "site"
    settings.BASE_DIR.mkdir()
    return settings.BASE_DIR


def frame(filename, source_line=LINE, lineno=1):
    return StoredFrame(filename, "shop.views", "checkout", lineno, lineno, 0, 0, True, source_line)


def lines(*arguments):
    return SourceFiles().lines(frame(*arguments))


def reason_for(*arguments):
    with pytest.raises(UnreadableSourceError) as caught:
        lines(*arguments)
    return str(caught.value.reason)


def test_a_file_is_found_beside_the_project_and_in_the_packages(base):
    (base / "views.py").write_text("one\x0ctwo\u2028three\r\nfour")
    assert lines("views.py", "four", 2) == ("one\x0ctwo\u2028three", "four")
    response = "django/http/response.py"
    assert "class HttpResponse" in "\n".join(lines(response, "import datetime", 1))


def test_a_declared_encoding_is_honoured(base):
    (base / "old.py").write_bytes(b"# coding: latin-1\nname = '\xe9'\n")
    assert lines("old.py", "name = 'é'", 2)[1] == "name = 'é'"


def test_indentation_is_ignored_when_lines_are_compared(base):
    (base / "views.py").write_text("def f():\n    secret = 1\n")
    assert lines("views.py", LINE, 2)


def test_a_long_line_is_compared_by_its_stored_beginning(base):
    (base / "views.py").write_text(f"x = {'1' * 500}\n")
    assert lines("views.py", f"x = {'1' * 195}…")
    assert "changed since" in reason_for("views.py", f"x = {'1' * 194}2…")


@pytest.mark.parametrize("lineno", [0, -1, 2, 10**9])
def test_a_file_without_the_stored_line_is_not_shown(base, lineno):
    (base / "views.py").write_text(LINE)
    assert "changed since" in reason_for("views.py", LINE, lineno)


def test_a_file_with_a_changed_line_is_not_shown(base):
    (base / "views.py").write_text("other = 1")
    assert "changed since" in reason_for("views.py")


def test_a_file_is_not_shown_without_a_stored_line(base):
    (base / "views.py").write_text(LINE)
    assert "was not stored" in reason_for("views.py", "")
    assert SourceFiles().line(frame("views.py", "")) == ""


def test_settings_are_not_shown_to_those_who_know_a_line_of_them(base, settings):
    settings.BASE_DIR = Path(settings_module.__file__).parent
    assert "may hold secrets" in reason_for("settings.py", "import os", 3)
    assert "may hold secrets" in reason_for("tests/settings.py", "import os", 3)


@pytest.mark.parametrize("target", ["outside.py", "/etc/passwd", "loop.py", "absent.py"])
def test_a_link_that_leads_out_of_the_project_is_not_followed(base, target):
    (base.parent / "outside.py").write_text(LINE)
    (base / "loop.py").symlink_to(base / "loop.py")
    (base / "link.py").symlink_to(base.parent / target if target != "loop.py" else base / target)
    assert "not on this machine" in reason_for("link.py", "root:x:0:0:root:/root:/bin/bash")
    assert "not on this machine" in reason_for("link.py")


def test_a_folder_that_is_a_link_out_of_the_project_is_not_followed(base):
    (base.parent / "outside.py").write_text(LINE)
    (base / "folder").symlink_to(base.parent)
    assert "not on this machine" in reason_for("folder/outside.py")


def test_a_link_within_the_project_is_followed(base):
    (base / "views.py").write_text(LINE)
    (base / "link.py").symlink_to(base / "views.py")
    assert lines("link.py") == (LINE,)


def test_the_project_itself_may_be_a_link(base, settings):
    (base / "views.py").write_text(LINE)
    settings.BASE_DIR = base.parent / "current"
    settings.BASE_DIR.symlink_to(base)
    assert lines("views.py") == (LINE,)


@pytest.mark.parametrize(
    ("filename", "reason"),
    [
        ("gone.py", "not on this machine"),
        ("", "not on this machine"),
        ("<string>", "not on this machine"),
        ("secrets.env", "not on this machine"),
        (".env", "not on this machine"),
        ("../outside.py", "not on this machine"),
        ("sub/../../outside.py", "not on this machine"),
        ("sub/../views.py", "not on this machine"),
        ("/etc/passwd", "not on this machine"),
        ("directory.py", "not on this machine"),
        ("fifo.py", "not on this machine"),
        ("nul\0.py", "not on this machine"),
        ("x" * 5_000 + ".py", "not on this machine"),
        ("broken.py", "neither in UTF-8"),
        ("cookie.py", "neither in UTF-8"),
        ("large.py", "cannot be read"),
    ],
)
def test_a_file_that_is_not_shown_has_a_reason(base, filename, reason):
    (base.parent / "outside.py").write_text(LINE)
    for name in ("secrets.env", ".env", "views.py"):
        (base / name).write_text(LINE)
    (base / "sub").mkdir()
    (base / "directory.py").mkdir()
    os.mkfifo(base / "fifo.py")
    (base / "broken.py").write_bytes(b"\n\n\nname = '\xff'\n")
    (base / "cookie.py").write_bytes(b"# coding: klingon\n")
    (base / "large.py").write_text(f"{LINE}\n#{'x' * 5_000_000}")
    assert reason in reason_for(filename)


def test_an_absolute_path_is_never_opened(base):
    (base / "views.py").write_text(LINE)
    assert "not on this machine" in reason_for(str(base / "views.py"))


def test_files_are_found_without_a_base_directory_in_the_settings(settings):
    del settings.BASE_DIR
    assert lines("django/http/response.py", "import datetime", 1)


def test_python_ignores_entries_of_its_search_path_that_are_no_strings(base, monkeypatch):
    monkeypatch.setattr(sys, "path", [b"/srv/shop", None, *sys.path])
    assert lines("django/http/response.py", "import datetime", 1)
