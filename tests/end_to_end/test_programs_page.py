"""docs/programs.md, followed literally in a fresh directory: every program runs, and its stalls are stored."""

import os
import re
import sys

import django
import pytest

from tests.end_to_end.stored_events import stored_events
from tests.support.children import ROOT, run

PAGE = ROOT / "docs" / "programs.md"
BOT = """
import asyncio
import time

async def main():
    time.sleep(0.2)
    await asyncio.sleep(0)
"""
CELERY = """
class app:
    task = staticmethod(lambda function: function)
"""
SET_UP = "import django; django.setup()\n"


def blocks():
    """The programs on the page, in their order."""
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


WITH, WITHOUT_WITH, COMMAND, SCRIPT, SCHEDULER, CELERY_TASK, DJANGO_TASK = range(7)


@pytest.fixture
def project(tmp_path):
    """Return a function that runs Python in a new project, and returns the routes of the stalls stored so far."""
    path = os.pathsep.join(map(str, (tmp_path, ROOT)))
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "mysite.settings", "PYTHONPATH": path}

    def python(*command):
        done = run([sys.executable, *command], cwd=tmp_path, env=environment)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        return [event.route for event in stored_events(tmp_path / "db.sqlite3") if event.blocking_call == "time.sleep"]

    run([sys.executable, "-m", "django", "startproject", "mysite", tmp_path], check=True)
    settings = tmp_path / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + 'INSTALLED_APPS += ["loopwatch", "shop"]\n')
    (tmp_path / "bot.py").write_text(BOT)
    (tmp_path / "mysite" / "celery.py").write_text(CELERY)
    (tmp_path / "shop" / "management" / "commands").mkdir(parents=True)
    python("manage.py", "migrate", "--verbosity", "0")
    return python


@pytest.mark.real_stall
@pytest.mark.parametrize(
    ("number", "then", "routes"),
    [
        (WITH, "", ["bot"]),
        (WITHOUT_WITH, "", ["start-up", "feeds"]),
        (SCRIPT, "", ["import prices"]),
        (SCHEDULER, "refresh(); asyncio.run(refresh_on_the_loop())", ["refresh", "refresh"]),
        (CELERY_TASK, "refresh()", ["refresh"]),
    ],
)
def test_a_program_of_the_page_is_recorded(project, number, then, routes):
    set_up = "" if "django.setup()" in blocks()[number] else SET_UP
    assert project("-c", set_up + blocks()[number] + then) == routes


@pytest.mark.real_stall
def test_the_management_command_of_the_page_is_recorded(project, tmp_path):
    place, program = blocks()[COMMAND].split("\n", 1)
    (tmp_path / place.removeprefix("# ")).write_text(program)
    assert project("manage.py", "run_bot") == ["bot"]


@pytest.mark.real_stall
@pytest.mark.skipif(django.VERSION < (6, 0), reason="Django has tasks from 6.0 on")
def test_the_task_of_the_page_is_recorded(project, tmp_path):
    (tmp_path / "jobs.py").write_text(blocks()[DJANGO_TASK])
    assert project("-c", SET_UP + "import jobs; assert jobs.refresh.enqueue().status == 'SUCCESSFUL'") == ["refresh"]


def test_every_program_of_the_page_is_run():
    assert len(blocks()) == DJANGO_TASK + 1
