"""The page of the package on an index: links and pictures lead into the repository."""

import re
from importlib import util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((.+?)\)")


@pytest.fixture(scope="module")
def package_page():
    pytest.importorskip("hatchling")
    specification = util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.package_page


def test_every_link_of_the_page_is_absolute(package_page):
    page = package_page(README, "https://example.org/loopwatch/", "1.2.3")
    targets = LINK.findall(page)
    assert len(targets) == len(LINK.findall(README))
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    assert "https://example.org/loopwatch/blob/1.2.3/docs/settings.md" in targets
    assert "admin](https://example.org/loopwatch/raw/1.2.3/docs/images/overview.png)" in page


def test_the_page_of_a_package_without_a_repository_has_no_dead_link(package_page):
    page = package_page(README, "", "1.2.3")
    assert [target for target in LINK.findall(page) if not target.startswith(("https://", "#"))] == []
    assert "All of them: settings." in page
    assert "The overview in the Django admin" not in page
