import sys

import pytest

from loopwatch.reporting.repository import NoRepositoryError, Repository, RepositoryLine
from tests.reporting.reports import a_finding


@pytest.fixture
def checkout(tmp_path, settings, monkeypatch):
    """Makes a repository with a Django project in one folder and an installed library in another."""
    project = tmp_path / "backend"
    (project / "shop").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (project / "shop" / "views.py").write_text(
        "import time\n\n\nasync def checkout():\n    time.sleep(0.1)\n\n\nasync def pay():\n    time.sleep(0.2)\n"
    )
    packages = tmp_path / "venv" / "lib" / "site-packages"
    (packages / "asgiref").mkdir(parents=True)
    (packages / "asgiref" / "sync.py").write_text("\n" * 400)
    settings.BASE_DIR = project
    monkeypatch.syspath_prepend(packages)
    return tmp_path


def placed(repository=None, **columns):
    return Repository(repository).place(a_finding(**columns))


def test_a_path_is_relative_to_where_git_is(checkout):
    assert placed(filename="shop/views.py", lineno=5, source="time.sleep(0.1)") == RepositoryLine(
        "backend/shop/views.py", 5
    )


def test_without_git_a_path_is_relative_to_the_project(checkout):
    (checkout / ".git").rmdir()
    assert placed(filename="shop/views.py", lineno=5).path == "shop/views.py"


def test_a_worktree_has_a_file_of_that_name(checkout):
    (checkout / ".git").rmdir()
    (checkout / ".git").write_text("gitdir: elsewhere\n")
    assert placed(filename="shop/views.py", lineno=5).path == "backend/shop/views.py"


def test_a_given_repository_replaces_the_found_one(checkout):
    assert placed(str(checkout / "backend"), filename="shop/views.py", lineno=5).path == "shop/views.py"


def test_a_repository_that_is_no_directory_is_an_error(checkout):
    with pytest.raises(NoRepositoryError, match=r"nowhere' is not a directory"):
        Repository(str(checkout / "nowhere"))


@pytest.mark.parametrize(
    "filename",
    ["asgiref/sync.py", "shop/deleted.py", "<string>", "", "../secrets.py", "/etc/passwd", "shop", "a\0b", "x" * 5000],
)
def test_what_is_not_in_the_repository_has_no_place(checkout, filename):
    assert placed(filename=filename) is None


def test_what_a_symbolic_link_leads_out_to_has_no_place(checkout, tmp_path_factory):
    outside = tmp_path_factory.mktemp("elsewhere") / "views.py"
    outside.write_text("pass\n")
    (checkout / "backend" / "shop" / "linked.py").symlink_to(outside)
    assert placed(filename="shop/linked.py") is None


def test_a_module_of_the_standard_library_is_not_in_the_repository(checkout):
    assert "asyncio" in sys.modules
    assert placed(filename="asyncio/base_events.py") is None


@pytest.mark.parametrize(
    ("lineno", "source", "found"),
    [
        (9, "time.sleep(0.1)", 9),  # the argument has changed, the call is still there
        (4, "time.sleep(0.1)", 5),
        (6, "time.sleep(0.2)", 9),  # moved: all of it decides, not the nearest that looks like it
        (3, "time.sleep(nap)", 5),
        (2, "requests.get(url)", 2),
        (900, "requests.get(url)", 9),
        (0, "", 1),
    ],
)
def test_the_line_is_where_the_call_is_now(checkout, lineno, source, found):
    assert placed(filename="shop/views.py", lineno=lineno, source=source).lineno == found


def test_a_file_that_cannot_be_decoded_keeps_its_line(checkout):
    (checkout / "backend" / "shop" / "views.py").write_bytes(b"\xff\xfe\xfa")
    assert placed(filename="shop/views.py", lineno=41).lineno == 41
