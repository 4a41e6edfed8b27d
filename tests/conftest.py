"""What all tests have in common, and their databases: SQLite, and a PostgreSQL server for those that want it."""

import gc
import os
import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from loopwatch import in_tests
from tests.databases import POSTGRESQL, SQLITE

pytest_plugins = [
    "pytester",
    "tests.support.children",
    "tests.support.leftovers",
    "tests.support.fuzzing",
    "tests.support.real_time",
    "tests.support.real_time_tests",
    "tests.support.redis",
    "tests.support.signals",
    "tests.support.site",
    "tests.support.time_limit",
]

TESTS = Path(__file__).resolve().parent
# Set in CI, where a missing PostgreSQL must not pass for success.
REQUIRED = "LOOPWATCH_TESTS_NEED_POSTGRESQL"
MISSING = "PostgreSQL is not installed (on Debian and Ubuntu: apt install postgresql)"
SERVER = pytest.StashKey()
MARKS = {"browser": "browser", "end_to_end": "servers", "faults": "servers"}
"""The mark of every test in a folder."""


def pytest_itemcollected(item):
    """Mark the test as its folder is."""
    folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else None
    if folder in MARKS:
        item.add_marker(MARKS[folder])


def pytest_collection_finish(session):
    """Start the server if a selected test wants it; without PostgreSQL, skip those."""
    from tests import postgresql  # not before pytest has loaded the plugins that it imports

    wanting = [item for item in session.items if item.get_closest_marker("postgresql")]
    if not wanting or session.config.option.collectonly:
        return
    if postgresql.programs() is None:
        if os.environ.get(REQUIRED):
            raise pytest.UsageError(MISSING)
        for item in wanting:
            item.add_marker(pytest.mark.skip(MISSING))
        return
    server = session.config.stash[SERVER] = postgresql.Server()
    server.start()
    settings.DATABASES["postgresql"] = server.settings | {"TEST": {"DEPENDENCIES": []}}
    connections.configure_settings(settings.DATABASES)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Remove the server after the fixtures of an interrupted run, which pytest tears down in this hook as well."""
    if server := session.config.stash.get(SERVER, None):
        server.remove()


@pytest.fixture(autouse=True, scope="session")
def sites_are_recorded():
    """Record the sites of these tests, although they are sites under test."""
    with in_tests.recording():
        yield


@pytest.fixture(autouse=True)
def no_other_garbage():
    """A collection is to take as long as a test makes it, whatever else this process holds: a long one is a stall."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def emptied_last(request):
    """Set the database up first, so that it is emptied last: a fixture that stops a recorder has it write the rest."""
    for name in ("database", "transactional_db"):
        if name in request.fixturenames:
            request.getfixturevalue(name)


@pytest.fixture(autouse=True)
def no_writer_left():
    """A recorder must not outlive its test: what it stores then, the next test would find."""
    yield
    for writer in [thread for thread in threading.enumerate() if thread.name == "loopwatch-writer"]:
        writer.join(60)  # a stopped recorder may give up waiting before its thread has ended
        assert not writer.is_alive()


class Everything:
    """A router that has every model in one database."""

    def __init__(self, alias):
        self.alias = alias

    def db_for_read(self, model, **hints):
        return self.alias

    db_for_write = db_for_read


@pytest.fixture(params=[SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])
def database(request, settings, transactional_db):
    """Runs the test once a database: the connection to the one that every model is in.

    A test for one of them alone is marked with ``on_sqlite`` or ``on_postgresql``.
    """
    settings.DATABASE_ROUTERS = [Everything(request.param)]
    return connections[request.param]


@pytest.fixture
def postgresql_server(request, database):
    """The server behind ``database``, running again after the test."""
    server = request.config.stash[SERVER]
    yield server
    server.start()
    database.close()
