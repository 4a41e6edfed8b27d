"""A process that hangs because a call keeps the GIL is killed, and what it hung in is stored by the next one."""

import itertools
import sqlite3
import sys
from contextlib import closing

import pytest

from loopwatch.detection.cpython.known_versions import STACKS_READABLE
from tests.detection.lookout import __name__ as package
from tests.support.children import Child
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or sys.version_info[:2] not in STACKS_READABLE,
    reason="the lookout needs Linux and Python 3.15",
)

SITE = f"{package}.held_site"
EVENTS = """
    SELECT finding.function, event.called_name, event.source, event.cause, event.exact, event.ongoing,
           event.duration_us, event.stacks
    FROM loopwatch_blockingevent AS event JOIN loopwatch_finding AS finding ON finding.id = event.finding_id
    WHERE event.ongoing
"""


@pytest.fixture
def serve(tmp_path):
    """Starts the site, which does one thing."""
    database, folder = tmp_path / "site.sqlite3", tmp_path / "holds"
    number = itertools.count()

    def serve(act):
        log = tmp_path / f"{next(number)}.log"
        return Child([sys.executable, "-m", SITE, database, folder, act], log=log)

    return serve


def stored(database):
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(EVENTS).fetchall()


@pytest.mark.parametrize(
    ("act", "cause"), [("hang", "computing"), ("hang_in_a_thread", "GIL held by a thread")], ids=["loop", "thread"]
)
def test_what_kept_the_gil_until_the_process_was_killed_is_stored_by_the_next(serve, tmp_path, act, cause):
    holds = tmp_path / "holds"
    with serve(act) as hanging:
        wait_until(lambda: holds.is_dir() and [*holds.glob("*.jsonl")], otherwise=hanging.output)
        hanging.kill_group()
        assert "has kept the GIL for" in hanging.output()
    assert stored(tmp_path / "site.sqlite3") == []
    with serve("stall") as next_one:
        assert next_one.wait(120) == 0, next_one.output()
    ((function, called, source, stored_cause, exact, ongoing, duration_us, stacks),) = stored(tmp_path / "site.sqlite3")
    assert (function, called) == ("__main__.add_up", "sum")
    assert (source, stored_cause) == ("sum(numbers)", cause)
    assert exact
    assert ongoing
    assert duration_us >= 200_000
    assert "add_up" in stacks
    assert [*holds.iterdir()] == []
