"""The command in a separate process: its terminal, its pipes, its encoding and its signals."""

import os
import select
import signal
import subprocess
import sys

import pytest
from django.db import connections, transaction

from tests.stored import stored_finding
from tests.support.children import ROOT, Child

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


@pytest.fixture
def stored_findings(transactional_db):
    """Stores 300 findings where other processes can read them."""
    with transaction.atomic():
        for _ in range(300):
            stored_finding(function="shop.名前" * 20)


@pytest.fixture
def own_process(tmp_path):
    """Starts the command in a separate process, on the store of this test."""
    (tmp_path / "own_settings.py").write_text(
        "from tests.settings import *\n"
        "import os\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.environ['STORE']}}\n"
    )
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "own_settings",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
        "PYTHONIOENCODING": "ascii",
        "PYTHONUNBUFFERED": "",
        "TERM": "xterm",
    }

    def start(*arguments, store=None, stdout=subprocess.PIPE):
        store = store or connections["default"].settings_dict["NAME"]
        command = [sys.executable, "-m", "django", "loopwatch_report", *arguments]
        return Child(command, env=environment | {"STORE": str(store)}, stdout=stdout, stderr=subprocess.PIPE)

    return start


@pytest.mark.usefixtures("stored_findings")
@pytest.mark.parametrize("limit", ["1", "300"])
def test_a_reader_that_leaves_early_is_no_error(own_process, limit):
    with own_process("--limit", limit) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait(timeout=60)) == ("", 0)


def test_a_database_out_of_reach_is_no_traceback(own_process, tmp_path):
    with own_process(store=tmp_path) as process:
        assert process.stderr.read().startswith("CommandError: Cannot use the database 'default': ")
        assert process.wait(timeout=60) == 2


@pytest.mark.usefixtures("stored_findings")
def test_an_encoding_without_the_characters_is_no_error(own_process):
    with own_process("--limit", "1") as process:
        output, errors = process.communicate(timeout=60)
    assert (errors, r"\u540d\u524d" in output) == ("", True)


@pytest.mark.usefixtures("stored_findings")
@pytest.mark.parametrize(("arguments", "coloured"), [([], True), (["--no-color"], False)])
def test_a_terminal_is_coloured_unless_refused(own_process, arguments, coloured):
    ours, theirs = os.openpty()
    with own_process("--limit", "1", *arguments, stdout=theirs) as process:
        assert process.wait(timeout=60) == 0
    os.close(theirs)
    assert (b"\x1b[" in os.read(ours, 65_536)) is coloured
    os.close(ours)


def read_until(terminal, text):
    """Return what the terminal shows up to the text, which must appear within a minute."""
    shown = b""
    while text not in shown:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, shown
        shown += os.read(terminal, 65_536)
    return shown


@pytest.mark.usefixtures("stored_findings")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_watch_draws_again_and_again_until_it_is_ended(own_process, ending):
    ours, theirs = os.openpty()
    with own_process("--limit", "1", "--watch", "0.5", stdout=theirs) as process:
        first = read_until(ours, b"1 of 300 findings")
        read_until(ours, b"1 of 300 findings")
        process.send_signal(ending)
        last = read_until(ours, LEAVE)
        assert (process.wait(timeout=60), process.stderr.read()) == (0, "")
    os.close(theirs)
    assert first.count(ENTER) == 1
    assert b"\x1b[2J" not in first + last  # clearing the screen would flicker
    os.close(ours)
