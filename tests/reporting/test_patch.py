"""``--format patch`` as git takes it."""

from datetime import timedelta

import pytest
from django.core.management import CommandError

from loopwatch.reporting.source_edits import Edit, edited, hunks_of, without_overlaps
from tests.reporting.patches import apply, call_in, report, stored_stall
from tests.stored import NOON, stored_event, stored_finding

pytestmark = pytest.mark.django_db

FILE = "shop/views.py"
VIEWS = """\
import time


async def pay(request):
    time.sleep(0.1)
    return None


async def refund(request):
    tries = 3
    time.sleep(0.2)
    return tries
"""


@pytest.fixture
def site(settings, tmp_path, monkeypatch):
    """A repository with one module."""
    monkeypatch.chdir(tmp_path)
    settings.BASE_DIR = tmp_path
    (tmp_path / "shop").mkdir()
    (tmp_path / FILE).write_text(VIEWS)
    (tmp_path / ".git").mkdir()
    return tmp_path


def stalled(site, written, called_name="time.sleep", filename=FILE, **columns):
    """Store a finding for the first call in the file that is ``written`` so."""
    call = call_in((site / filename).read_text(), lambda _, text: text == written)
    return stored_stall(site, filename, call, called_name, **columns)


def applied(site, patch):
    """Apply the patch and return the file."""
    apply(site, patch)
    return (site / FILE).read_text()


def test_git_applies_the_rewritten_calls_and_their_import(site):
    stalled(site, "time.sleep(0.1)")
    stalled(site, "time.sleep(0.2)")
    patch, remarks = report()
    wanted = VIEWS.replace("    time.sleep", "    await asyncio.sleep").replace(
        "import time", "import asyncio\nimport time"
    )
    assert applied(site, patch) == wanted
    assert remarks == ""


def test_each_finding_and_the_import_have_a_hunk(site):
    stalled(site, "time.sleep(0.1)")
    stalled(site, "time.sleep(0.2)")
    patch, _ = report()
    hunks = [line for line in patch.splitlines() if line.startswith("@@")]
    assert hunks == ["@@ -1,2 +1,3 @@", "@@ -3,6 +4,6 @@", "@@ -9,4 +10,4 @@"]
    assert "-import time" not in patch
    assert patch.count("+++ b/shop/views.py\n") == 1


def test_a_call_in_the_middle_of_a_line_and_over_several_lines_keeps_the_rest(site):
    source = "import asyncio\nasync def pay(url):\n    é = 'é'; got = requests.get(\n        url,\n    ).json()\n"
    (site / FILE).write_text(source)
    stalled(site, "requests.get(\n        url,\n    )", "requests.get")
    patch, _ = report()
    assert applied(site, patch) == (
        "import asyncio\nasync def pay(url):\n    é = 'é'; got = (await asyncio.to_thread(requests.get, url,)).json()\n"
    )


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_a_file_applies_with_and_without_a_line_break_at_its_end(site, end):
    (site / FILE).write_text(f"import asyncio\nasync def pay():\n    time.sleep(1){end}")
    stalled(site, "time.sleep(1)")
    patch, _ = report()
    assert applied(site, patch) == f"import asyncio\nasync def pay():\n    await asyncio.sleep(1){end}"


def test_two_findings_of_one_call_are_one_edit(site):
    for cause in ("waiting", "computing"):
        stalled(site, "time.sleep(0.1)", cause=cause)
    patch, remarks = report()
    assert patch.count("await asyncio.sleep(0.1)") == 1
    assert remarks == ""


def test_only_the_outer_of_two_nested_calls_is_rewritten(site):
    (site / FILE).write_text("import asyncio\nasync def pay():\n    requests.get(urlopen(url))\n")
    stalled(site, "requests.get(urlopen(url))", "requests.get")
    stalled(site, "urlopen(url)", "urllib.request.urlopen")
    patch, remarks = report()
    assert "await asyncio.to_thread(requests.get, urlopen(url))" in applied(site, patch)
    assert remarks.startswith("1 finding left out")


def test_a_finding_without_a_rewriting_is_counted_on_standard_error(site):
    stalled(site, "time.sleep(0.1)")
    stored_finding(blocking_call="json.dumps")
    stored_finding(blocking_call="sorted")
    patch, remarks = report()
    assert "await asyncio.sleep(0.1)" in patch
    assert remarks.startswith("2 findings left out: no certain rewriting, a line that has changed since, ")


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.write_text(VIEWS.replace("time.sleep(0.1)", "time.sleep(0.3)")),
        lambda file: file.write_text(f"# moved\n{VIEWS}"),
        lambda file: file.write_text(VIEWS.replace("async def pay", "def pay")),
        lambda file: file.write_bytes(VIEWS.replace("\n", "\r\n").encode()),
        lambda file: file.write_text(f"# coding: latin-1\n{VIEWS[12:]}# é\n", encoding="latin-1"),
        lambda file: file.write_text(VIEWS, encoding="utf-8-sig"),
        lambda file: file.write_text(f"# coding: latin-1\n{VIEWS[12:]}# é\n"),
        lambda file: file.unlink(),
    ],
    ids=[
        *("line changed", "line moved", "cannot await", "carriage returns", "not in UTF-8", "byte order mark"),
        *("UTF-8 that Python reads as Latin-1", "deleted"),
    ],
)
def test_a_file_that_a_patch_would_not_fit_is_left_out(site, change):
    stalled(site, "time.sleep(0.1)")
    change(site / FILE)
    patch, remarks = report()
    assert patch == ""
    assert remarks.startswith("1 finding left out")


def test_an_uncertain_call_is_left_out(site):
    stalled(site, "time.sleep(0.1)", exact=False)
    assert report()[0] == ""


def test_the_newest_certain_call_is_rewritten_although_a_later_one_is_uncertain(site):
    finding = stalled(site, "time.sleep(0.1)")
    stored_event(finding, exact=False, started_at=NOON + timedelta(hours=1))
    assert "await asyncio.sleep(0.1)" in report()[0]


def test_a_file_that_the_import_would_break_is_left_out(site):
    (site / FILE).write_text("from __future__ import annotations; import time\nasync def pay():\n    time.sleep(1)\n")
    stalled(site, "time.sleep(1)")
    assert report()[0] == ""


def test_a_file_outside_of_the_repository_is_left_out(site):
    stalled(site, "time.sleep(0.1)")
    (site / "other").mkdir()
    patch, remarks = report("--repository", str(site / "other"))
    assert patch == ""
    assert str(site / "other") in remarks


@pytest.mark.parametrize("name", ["shop/my views.py", "shop/ansichten-ü.py"])
def test_git_takes_the_name_of_the_file(site, name):
    (site / FILE).rename(site / name)
    stalled(site, "time.sleep(0.1)", filename=name)
    patch, _ = report()
    (site / FILE).write_text("")
    applied(site, patch)
    assert "await asyncio.sleep(0.1)" in (site / name).read_text()


@pytest.mark.parametrize("name", ['shop/"quoted".py', "shop/back\\slash.py", "shop/line\nbreak.py", "shop/\x1b[2J.py"])
def test_a_name_that_git_would_quote_is_left_out(site, name):
    (site / FILE).rename(site / name)
    stalled(site, "time.sleep(0.1)", filename=name)
    assert report()[0] == ""


def test_groups_and_comparisons_have_no_patch(site):
    for options in (("--group-by", "route"), ("--compare", "1", "2")):
        with pytest.raises(CommandError, match="--format patch"):
            report(*options)


@pytest.mark.parametrize("between", range(9))
def test_edits_at_any_distance_apply(site, between):
    source = "\n".join(["first", *["x"] * between, "second", *["y"] * between, "third"])
    lines = [1, 2 + between, 3 + 2 * between]
    edits = [Edit(line, 0, line, 1, f"new\nline {line} ") for line in lines]
    (site / FILE).write_text(source)
    hunks = "\n".join(hunks_of(source, edits))
    assert applied(site, f"--- a/{FILE}\n+++ b/{FILE}\n{hunks}\n") == edited(source, edits)
    assert hunks.count("@@ -") == (3 if between >= 2 else 1)


def test_the_first_of_overlapping_edits_is_kept():
    first, inner, after = Edit(1, 0, 3, 4, "a"), Edit(2, 0, 2, 9, "b"), Edit(3, 4, 3, 5, "c")
    assert without_overlaps([after, inner, first, first]) == [first, after]
