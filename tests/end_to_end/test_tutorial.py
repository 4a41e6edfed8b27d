"""docs/tutorial.md, followed literally in a fresh directory: every command runs, and prints what the page shows."""

import os
import re
import shutil
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from testproject.demo.ports import LOOPBACK, any_free
from tests.support.children import ROOT, Child, run
from tests.support.waiting import wait_until

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
WITHIN_S = 300
INSTALLS = ("python3 -m venv", "pip install", "cd .. && ")
MASKS = (
    (r"; delayed: .+", ""),
    (r"[;,] at least \d+ calls", ""),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "DATE"),
    (r"\d[\d.]*(ms|s| ms| s| min)\b", "DURATION"),
    (r"\d+(?= frames of)", "N"),
    (r"^\d+ open findings?: \d+ events? ", "FINDINGS "),
    (r"\d+ stalls detected, \d+ stored", "STALLS"),
    (r"^DURATION \d+ DURATION DURATION [\d+~ ]+ DATE$", "FIGURES"),
    (r" in DURATION =+$|^=+ (?=\d passed)", ""),
    (r" +\[100%\]$", ""),
)
"""What depends on time, on the machine or on the version of Django."""


def steps():
    """Yield the text before every block, the language and the lines of the block."""
    pieces = re.split(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    for before, language, block in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=False):
        yield before.strip().rpartition("\n\n")[2], language, block


def masked(text):
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for pattern, replacement in MASKS:
        lines = [re.sub(pattern, replacement, line) for line in lines]
    return [line for line in lines if line]


def missing(shown, printed):
    """Return the lines that are shown, but not printed in this order."""
    rest = iter(masked(printed))
    return [line for line in masked(shown) if line not in rest]


def test_a_line_is_missing_if_it_is_printed_nowhere_or_too_early():
    assert missing("a 1.2 s\nb", "x\na   300 ms\nb\n") == []
    assert missing("a\nb", "b\na\n") == ["b"]


class Reader:
    """Somebody who does what the page says, one block after the other."""

    def __init__(self, folder):
        self.folder, self.port = folder, any_free()
        self.server = None
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        self.environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        if self.server:
            self.server.__exit__(*raised)

    def follow(self, before, language, block):
        if language == "console":
            self.type(block)
            return
        file = self.folder / re.findall(r"`([\w/]+\.\w+)`", before)[-1]
        if "At the end of" in before:
            block = file.read_text(encoding="utf-8") + block
        file.write_text(block, encoding="utf-8")
        if self.server and file.name == "urls.py":
            wait_until(
                lambda: self.server.output().count("Starting ASGI") > 1, within_s=WITHIN_S, otherwise=self.server.output
            )
            wait_until(self.is_answered, within_s=WITHIN_S)

    def type(self, block):
        shown, *typed = re.split(r"^\$ ", block, flags=re.MULTILINE)
        if shown:
            wait_until(
                lambda: not missing(shown, self.server.output()), within_s=WITHIN_S, otherwise=self.server.output
            )
        for command, _, shown in (each.partition("\n") for each in typed):
            if command.endswith("runserver"):
                self.serve()
            elif not command.startswith(INSTALLS):
                self.run(command, shown)

    def serve(self):
        command = [sys.executable, "manage.py", "runserver", str(self.port)]
        log = self.folder / "runserver.log"
        self.server = Child(command, log=log, cwd=self.folder, env=self.environment | {"PYTHONUNBUFFERED": "1"})
        wait_until(self.is_answered, within_s=WITHIN_S, otherwise=self.server.output)

    def is_answered(self):
        try:
            with urlopen(f"http://{LOOPBACK}:{self.port}/admin/login/", timeout=WITHIN_S):
                return True
        except URLError:
            return False

    def run(self, command, shown):
        """Run a command, if need be again: stalls are written within seconds, and a busy machine causes others."""
        command, printed = command.replace("8000", str(self.port)), []

        def is_as_shown():
            done = run(["bash", "-c", command], within_s=WITHIN_S, cwd=self.folder, env=self.environment)
            printed.append(f"{command}\n{done.stdout}{done.stderr}")
            return done.returncode == ("FAILED" in shown) and not missing(shown, done.stdout)

        wait_until(
            is_as_shown, within_s=WITHIN_S, otherwise=lambda: f"Missing: {missing(shown, printed[-1])} in {printed[-1]}"
        )


@pytest.mark.real_stall
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="the page needs bash and curl")
def test_who_follows_the_tutorial_sees_what_it_shows(tmp_path):
    folder = tmp_path / "shop"
    with Reader(folder) as reader:
        folder.mkdir()
        run([sys.executable, "-m", "django", "startproject", "shop", folder], check=True)
        for step in steps():
            reader.follow(*step)
