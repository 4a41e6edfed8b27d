"""What is installed and what is published: all that belongs to it, and nothing else."""

import os
import sys
import tarfile
import zipfile
from email import message_from_bytes
from fnmatch import fnmatch
from pathlib import Path

import pytest

import loopwatch
from tests.support.children import run

ROOT = Path(__file__).resolve().parent.parent
NAME = f"loopwatch-{loopwatch.__version__}"


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", folder]
    run(command, check=True)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions):
    (path,) = distributions.glob(f"{NAME}-*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_the_wheel_has_every_file_of_the_app_and_nothing_else_but_what_is_compiled(wheel):
    packed = {name for name in wheel.namelist() if not name.startswith(f"{NAME}.dist-info/")}
    compiled = {name for name in packed if fnmatch(name, "loopwatch/detection/timing/compiled.*.so")}
    assert packed - compiled == {path for path in tracked() if path.startswith("loopwatch/")}
    assert len(compiled) == ("py3-none-any" not in wheel.filename)
    assert {"loopwatch/py.typed", "loopwatch/migrations/0001_initial.py"} <= packed


def test_the_wheel_says_what_it_needs_and_under_which_licence(wheel):
    metadata = message_from_bytes(wheel.read(f"{NAME}.dist-info/METADATA"))
    needed = [need for need in metadata.get_all("Requires-Dist") if "extra ==" not in need]
    assert [need.partition("<")[0].partition(">")[0] for need in needed] == ["django"]
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload().startswith("# loopwatch\n")
    assert wheel.read(f"{NAME}.dist-info/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


def test_the_source_distribution_has_the_tests_and_the_documents_too(distributions):
    with tarfile.open(distributions / f"{NAME}.tar.gz") as archive:
        packed = {member.name.removeprefix(f"{NAME}/") for member in archive.getmembers()}
    ours = {path for path in tracked() if not path.startswith(".")}
    assert packed == {*ours, ".gitignore", "PKG-INFO"}


def test_watch_from_the_wheel_does_not_import_django(wheel, tmp_path):
    site = tmp_path / "site"
    wheel.extractall(site)
    code = "import loopwatch, sys; print(loopwatch.__file__); assert 'django' not in sys.modules; loopwatch.watch()"
    ran = run([sys.executable, "-P", "-c", code], env={"PYTHONPATH": str(site)}, check=True)
    assert ran.stdout.startswith(str(site))


@pytest.mark.parametrize("hindered", [{"LOOPWATCH_PURE_PYTHON": "1"}, {"PATH": ""}], ids=["unwanted", "no compiler"])
def test_a_build_that_compiles_nothing_makes_a_wheel_for_every_platform(hindered, tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path]
    run(command, env=os.environ | hindered, check=True)
    assert [path.name for path in tmp_path.iterdir()] == [f"{NAME}-py3-none-any.whl"]


SET_UP = """
import sys
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "loopwatch"])
django.setup()
print(*sys.modules)
"""


def test_a_process_that_serves_nothing_imports_nothing_that_watches():
    imported = run([sys.executable, "-c", SET_UP], check=True).stdout.split()
    watches = {"loop_clock", "lookout", "monitor", "sampling", "stopwatch", "tracing", "verdict"}
    assert "loopwatch.models" in imported
    assert not [name for name in imported if name.startswith("loopwatch.") and watches & set(name.split("."))]


def tracked():
    """The files under version control, as they are in the working tree."""
    listed = run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], check=True)
    return {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
