"""The Pythons and Djangos that are declared, tested and documented are the same."""

import ast
import re
import sys
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import django
import pytest

from loopwatch.checks.versions import NEWEST_TESTED_DJANGO

ROOT = Path(__file__).resolve().parent.parent
THIS_PYTHON = "{}.{}".format(*sys.version_info)
THIS_DJANGO = "{}.{}".format(*django.VERSION)


@pytest.fixture(scope="module")
def tested():
    """The pairs of noxfile.py, which cannot be imported without nox."""
    module = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    values = [
        each.value for each in module.body if isinstance(each, ast.Assign) and ast.unparse(each.targets) == "TOGETHER"
    ]
    return ast.literal_eval(values[0])


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def versions(classifiers, topic):
    return [found[1] for each in classifiers if (found := re.fullmatch(rf"{topic} :: (\d+\.\d+)", each))]


def test_the_pythons_that_are_declared_are_those_that_are_tested(project, tested):
    assert versions(project["classifiers"], "Programming Language :: Python") == list(tested)
    assert project["requires-python"] == f">={next(iter(tested))}"


def test_the_djangos_that_are_declared_are_those_that_are_tested(project, tested):
    djangos = sorted({django for of_python in tested.values() for django in of_python})
    assert versions(project["classifiers"], "Framework :: Django") == djangos
    assert project["dependencies"] == [f"django>={djangos[0]}"]


def test_the_check_knows_the_newest_django_that_is_tested(tested):
    assert ".".join(map(str, NEWEST_TESTED_DJANGO)) == max(djangos[-1] for djangos in tested.values())


def test_the_documents_show_the_pairs_that_are_tested(tested):
    documented = (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (3\.\d+) \| ([\d., ]+) \|$", documented, re.MULTILINE)
    assert {python: djangos.split(", ") for python, djangos in rows} == tested


def test_the_readme_names_the_oldest_and_the_newest_that_are_tested(tested):
    djangos = sorted({django for of_python in tested.values() for django in of_python})
    pythons = list(tested)
    shown = f"Django {djangos[0]} to {djangos[-1]} · Python {pythons[0]} to {pythons[-1]} ·"
    assert shown in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_python_that_this_django_declares_is_tested(tested):
    """Not the reverse: Django 5.2.8 declares Python 3.14, and 5.2.0 does not yet."""
    pythons = [python for python, djangos in tested.items() if THIS_DJANGO in djangos]
    assert set(declared_by_this_django()) & set(tested) <= set(pythons)


def test_the_suite_runs_on_a_pair_that_this_project_and_django_declare(tested):
    assert THIS_DJANGO in tested[THIS_PYTHON]
    assert THIS_PYTHON in declared_by_this_django()


def declared_by_this_django():
    return versions(metadata("django").get_all("Classifier"), "Programming Language :: Python")
