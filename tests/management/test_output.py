"""What a command says if its output cannot be written, and what a terminal shows that is redrawn."""

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management.base import OutputWrapper

from loopwatch.management.output import show_repeatedly
from tests.support.children import Child

FULL = Path("/dev/full")
PRINTS = """
from django.conf import settings
from django.core.management.base import BaseCommand
settings.configure()
from loopwatch.management.output import print_text

class Command(BaseCommand):
    requires_system_checks = ()
    def handle(self, **_):
        print_text(self.stdout, "x" * 100_000)

Command().run_from_argv(["manage.py", "prints"])
"""


@pytest.mark.skipif(not FULL.exists(), reason="/dev/full is Linux's")
def test_a_full_disk_is_one_line_and_a_failure():
    with (
        FULL.open("w") as full,
        Child([sys.executable, "-c", PRINTS], stdout=full, stderr=subprocess.PIPE) as child,
    ):
        said = child.stderr.read()
        status = child.wait()
    assert said == "CommandError: Cannot write to standard output: [Errno 28] No space left on device\n"
    assert status == 2


class Terminal:
    """Understands what a redrawn page is made of, and does not wrap lines: its cursor stays on the last column."""

    def __init__(self, width, height):
        self.width = width
        self.rows = [[" "] * width for _ in range(height)]
        self.row = self.column = 0

    def show(self, output):
        for part in re.findall(r"\x1b\[\??\d*[A-Za-z]|.|\r|\n", output):
            self._obey(part)
        return [row for row in ("".join(row).rstrip() for row in self.rows) if row]

    def _obey(self, part):
        match part:
            case "\x1b[H":
                self.row = self.column = 0
            case "\x1b[K":
                self._erase(self.row, self.column)
            case "\x1b[J":
                self._erase(self.row, self.column)
                for row in range(self.row + 1, len(self.rows)):
                    self._erase(row, 0)
            case "\r":
                self.column = 0
            case "\n":
                self.row += 1
            case _ if part[0] != "\x1b":
                self.rows[self.row][self.column] = part
                self.column = min(self.column + 1, self.width - 1)

    def _erase(self, row, column):
        self.rows[row][column:] = [" "] * (self.width - column)


@pytest.mark.parametrize(
    "pages",
    [
        [["a" * 19 + "1", "b" * 19 + "2", "c" * 19 + "3"]],
        [["a" * 20, "b" * 20, "c" * 20], ["d" * 19 + "4", "e"]],
        [["long" * 5, "b"], ["x" * 20]],
        [["gone"], []],
        [["a" * 20] * 6, ["b" * 20] * 6],
    ],
)
def test_a_redrawn_page_shows_whole_lines_and_nothing_of_the_page_before(pages, monkeypatch):
    monkeypatch.setenv("LINES", "6")
    monkeypatch.setenv("COLUMNS", "20")
    stdout, drawn = io.StringIO(), iter(pages)

    def next_page():
        for lines in drawn:
            return "\n".join(lines)
        raise KeyboardInterrupt

    show_repeatedly(OutputWrapper(stdout), next_page, 0)
    assert Terminal(20, 6).show(stdout.getvalue()) == pages[-1]
