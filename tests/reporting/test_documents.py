"""docs/report.md has every word that the report understands, and its figures are those of the code."""

import re
from pathlib import Path

import pytest

from loopwatch.reporting import host_report, release_change
from loopwatch.reporting.fail_on import CONDITIONS
from loopwatch.reporting.formats import FORMATS
from loopwatch.reporting.group_report import GROUPINGS
from loopwatch.reporting.release_change import KINDS
from loopwatch.reporting.report import FINDING, HOST
from loopwatch.reporting.wording import KIND_HEADINGS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "report.md").read_text(encoding="utf-8")


def section(heading):
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)[1]


@pytest.mark.parametrize(
    ("heading", "words"),
    [("Formats", FORMATS), ("Groups", {FINDING, HOST, *GROUPINGS}), ("In a build", CONDITIONS)],
)
def test_every_word_has_a_row(heading, words):
    assert set(re.findall(r"^\| `(\w[\w-]*)` \|", section(heading), re.MULTILINE)) == set(words)


def test_every_kind_of_change_has_a_row():
    rows = re.findall(r"^\| ([a-z ]+) \|", section("Comparing releases"), re.MULTILINE)
    assert set(rows) == {KIND_HEADINGS[kind].lower() for kind in KINDS}


def test_what_is_granted_to_chance_is_what_the_code_grants():
    said = " ".join(section("Comparing releases").split())
    assert (release_change._RATIO, "at least a quarter longer" in said) == (1.25, True)
    assert (release_change._DEVIATIONS, "two standard deviations" in said) == (2, True)
    assert (release_change._LIKELY_BY_CHANCE, "one in twenty" in said) == (0.05, True)


def test_hosts_go_as_far_back_as_is_said():
    assert f"for {host_report.KEPT.days} days" in section("Groups")
