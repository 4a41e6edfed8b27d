"""What a command says if its output cannot be written."""

import subprocess
import sys
from pathlib import Path

import pytest

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
