"""The documents say what the code does: every setting, every check, every link."""

import ast
import json
import re
import sys
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.core.management import BaseCommand, load_command_class

from loopwatch import pytest_plugin
from loopwatch.advice import advice_for
from loopwatch.conf import ENGINES, SINKS, Configuration, problems
from loopwatch.detection.calls import Cause
from loopwatch.detection.strict.catalogue import IN_C, IN_PYTHON, Kind
from loopwatch.detection.strict.django_calls import FUNCTIONS, METHODS
from loopwatch.models import Finding
from loopwatch.recorder import outage, pending
from loopwatch.site_monitor import STOP_TIMEOUT_S
from tests.recorder.calls import blocking_call
from tests.support.children import run

ROOT = Path(__file__).resolve().parent.parent
README, SETTINGS, CHECKS = ROOT / "README.md", ROOT / "docs" / "settings.md", ROOT / "docs" / "checks.md"
COMMANDS = ROOT / "docs" / "commands.md"
DOCUMENTS = [README, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LARGEST_PICTURE = 250_000
RECORDING, LARGEST_RECORDING = "live-recording.png", 2_000_000


def text_of(document):
    return document.read_text(encoding="utf-8")


def section(name):
    """Return the section of one setting in docs/settings.md."""
    return re.search(rf"^## `{name}`\n(.*?)(?=^## |\Z)", text_of(SETTINGS), re.MULTILINE | re.DOTALL)[1]


def literal(text):
    value = ast.literal_eval(text)
    return tuple(value) if isinstance(value, list) else value


DEFAULTS = {field.name.upper(): field.default for field in fields(Configuration)}


def test_the_readme_shows_settings_with_their_defaults():
    rows = re.findall(r"^\| `([A-Z_]+)` \| `(.+?)` \| .+ \|$", text_of(README), re.MULTILINE)
    assert {name: literal(default) for name, default in rows}.items() <= DEFAULTS.items()
    assert len(rows) == 5


def test_every_setting_has_a_section_with_its_default():
    sections = re.findall(r"^## `(.+)`$\n\n.*· default `(.+?)`", text_of(SETTINGS), re.MULTILINE)
    assert [(name, literal(default)) for name, default in sections] == list(DEFAULTS.items())


def test_the_documented_ranges_are_those_of_the_checks(settings):
    ranges = re.findall(r"^## `(.+)`$\n\n.*· ([\d.]+) to (\d+)$", text_of(SETTINGS), re.MULTILINE)
    numbers = {name for name, default in DEFAULTS.items() if type(default) in (int, float)}
    assert {name for name, _, _ in ranges} == numbers
    for name, *bounds in ranges:
        low, high = map(literal, bounds)
        for value, is_allowed in ((low, True), (high, True), (low - 0.01, False), (high + 1, False)):
            settings.LOOPWATCH = {name: value}
            assert (not list(problems())) == is_allowed, (name, value)


@pytest.mark.parametrize(("name", "choices"), [("ENGINE", ENGINES), ("SINKS", SINKS)])
def test_the_documented_choices_are_complete(name, choices):
    listed = re.search(r"(?:one|any) of (.+)$", section(name), re.MULTILINE)[1]
    assert re.findall(r'`"(.+?)"`', listed) == list(choices)


def test_the_fields_that_redact_may_have_to_change_are_documented():
    paragraph = re.search(r"^A finding is identified by.*?\n\n", section("REDACT"), re.MULTILINE | re.DOTALL)[0]
    identity, others = (re.findall(r"`(\w+)`", sentence) for sentence in paragraph.split("Other fields"))
    call = blocking_call()
    texts = [field.name for field in fields(call) if isinstance(getattr(call, field.name), str)]
    assert set(identity) == {
        name for name in texts if replace(call, **{name: "hidden"}).fingerprint != call.fingerprint and name != "cause"
    }
    without_names = (float, int, bool, datetime, Cause)
    named = {field.name for field in fields(call) if field.type not in without_names}
    assert {*identity, *others} == named - {"stall_id", "engine", "otel_span"}


def test_every_check_is_documented_and_no_other():
    documented = re.findall(r"^## (.+)$", text_of(CHECKS), re.MULTILINE)
    assert documented == sorted(check_ids())


def test_every_command_and_option_is_documented_and_no_other():
    sections = re.split(r"^## `(.+)`$", text_of(COMMANDS), flags=re.MULTILINE)[1:]
    documented = dict(zip(sections[::2], sections[1::2], strict=True))
    of_django = {option for action in options_of(BaseCommand()) for option in action.option_strings}
    names = {path.stem for path in (ROOT / "loopwatch" / "management" / "commands").glob("loopwatch_*.py")}
    assert set(documented) == names
    for name, said in documented.items():
        actions = options_of(load_command_class("loopwatch", name))
        own = {
            (action.option_strings or [action.dest])[-1]
            for action in actions
            if not {*action.option_strings} & of_django
        }
        rows = dict(re.findall(r"^\| `(\S+?)(?: .+?)?` \| (.+) \|$", said, re.MULTILINE))
        assert set(rows) == own
        for action in actions:
            for choice in action.choices or () if name_of(action) in own else ():
                assert f"`{choice}`" in rows[name_of(action)]


def name_of(action):
    return (action.option_strings or [action.dest])[-1]


def options_of(command):
    return command.create_parser("manage.py", "command")._actions


def check_ids():
    """The ids in the code, which are whole strings there; docstrings only mention them."""
    return {
        node.value
        for path in (ROOT / "loopwatch").rglob("*.py")
        for node in ast.walk(ast.parse(text_of(path)))
        if isinstance(node, ast.Constant) and re.fullmatch(r"loopwatch\.[A-Z]\d{3}", str(node.value))
    }


def test_the_documented_limits_are_those_of_the_code():
    said = text_of(ROOT / "docs" / "what-can-be-lost.md")
    for sentence in (
        f"for at most {STOP_TIMEOUT_S:g} s",
        f"more than {pending.FINDINGS_LIMIT:,} different findings",
        f"about {pending.DETAILS_PER_FINDING} of each finding between two flushes",
        f"while\n{pending.DETAILS_LIMIT} stalls are waiting",
        f"at most {pending.DETAILS_HARD_LIMIT:,} stalls are kept in full",
        f"more than {pending.HOURS_PER_FINDING}\ndifferent hours and routes",
        f"first after {outage.FIRST_RETRY_S} s, then less and less often, at least every {outage.LONGEST_RETRY_S:g} s",
    ):
        assert sentence in said


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_strict_mode_is_documented(kind):
    sections = re.split(r"^## (.+)\n", text_of(ROOT / "docs" / "strict.md"), flags=re.MULTILINE)
    told = sections[sections.index(kind) + 1]
    methods = (known for owners in METHODS.values() for known in owners.values() if known)
    all_known = (*IN_C.values(), *IN_PYTHON.values(), *FUNCTIONS.values(), *methods)
    names = {known.name for known in all_known if known.kind is kind}
    assert set(re.findall(r"`([^`]+)`", told.partition(".\n")[0])) == names
    cures = {advice_for(name, cause="waiting").cure for name in names}
    assert set(re.findall(r"^- (.+?)$", re.sub(r"\n  ", " ", told), re.MULTILINE)) == cures


def test_the_linters_rules_of_the_catalogue_are_those_that_ruff_reports(tmp_path):
    pytest.importorskip("ruff")
    sections = re.split(r"^## (.+)\n", text_of(ROOT / "docs" / "strict.md"), flags=re.MULTILINE)
    kinds = {name: said for name, said in zip(sections[1::2], sections[2::2], strict=True) if name in {*Kind}}
    names = {kind: re.findall(r"`([\w.]+)`", said.partition(".\n")[0]) for kind, said in kinds.items()}
    calls = [(kind, name) for kind in kinds for name in names[kind]]
    calls.remove((Kind.IMPORT, "import"))
    program = tmp_path / "calls.py"
    lines = [f"async def f(): {name}()" for _, name in calls]
    program.write_text("\n".join(("import os, subprocess, time, urllib.request", *lines)))
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "ASYNC2", "--output-format", "json"]
    reported = {kind: set() for kind in kinds}
    for each in json.loads(run([*command, program]).stdout):
        reported[calls[each["location"]["row"] - 2][0]].add(each["code"])
    assert {kind: set(re.findall(r"ASYNC\d+", said)) for kind, said in kinds.items()} == reported


def test_the_options_of_the_plugin_are_documented():
    documented = text_of(ROOT / "docs" / "testing.md")
    parser = pytest.Parser(_ispytest=True)
    pytest_plugin.pytest_addoption(parser)
    options = [name for group in parser._groups for option in group.options for name in option.names()]
    assert [name for name in (*options, *parser._inidict) if f"`{name}" not in documented] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_the_documents_has_a_target(document):
    for target in re.findall(r"\]\(([^)#\s]+)", text_of(document)):
        assert target.startswith("https://") or (document.parent / target).exists(), target


def test_the_documents_build_without_warnings(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", ROOT / "docs", tmp_path]
    built = run(command)
    assert (built.returncode, built.stderr) == (0, "")


def test_every_document_and_picture_is_linked_and_pictures_are_small():
    linked = {
        (document.parent / target).resolve()
        for document in DOCUMENTS
        for target in re.findall(r"\]\(([^)#\s]+)", text_of(document))
    }
    pictures = set((ROOT / "docs" / "images").glob("*.png"))
    assert {SETTINGS, CHECKS, *pictures} <= linked
    sizes = {picture.name: picture.stat().st_size for picture in pictures}
    assert sizes.pop(RECORDING) < LARGEST_RECORDING
    assert max(sizes.values()) < LARGEST_PICTURE


def test_the_models_are_registered_with_a_second_admin_site_as_documented(monkeypatch):
    second = SimpleNamespace(second_site=admin.AdminSite("second"))
    monkeypatch.setitem(sys.modules, "mysite", SimpleNamespace(admin=second))
    monkeypatch.setitem(sys.modules, "mysite.admin", second)
    (program,) = re.findall(r"```python\n(.*?)```", text_of(ROOT / "docs" / "nothing-there.md"), re.DOTALL)
    exec(program, {})
    registered = [site.is_registered(Finding) for site in (admin.site, second.second_site)]
    assert registered == [True, True]
    assert type(second.second_site.get_model_admin(Finding)) is type(admin.site.get_model_admin(Finding))


@pytest.mark.real_stall
def test_the_program_in_the_readme_prints_what_it_says(tmp_path):
    programs = re.findall(r"```python\n(import asyncio\n.*?)```", text_of(README), re.DOTALL)
    program = tmp_path / "app.py"
    program.write_text(programs[0])
    said = re.search(r"# (.+ blocked the event loop for) [\d.]+ ms (in .+ \().+(:\d+\))$", programs[0], re.MULTILINE)
    environment = {"PYTHONPATH": str(ROOT)}
    ran = run([sys.executable, program], env=environment)
    assert ran.stderr == ""
    expected = r"{} [\d.]+ ms {}.*{}\n".format(*map(re.escape, said.groups()))
    assert re.fullmatch(expected, ran.stdout), ran.stdout
