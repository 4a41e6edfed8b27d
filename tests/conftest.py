"""What all tests have in common, and their databases: SQLite, and servers for the tests that want them."""

import gc
import os
import threading
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from loopwatch import in_tests
from tests.databases import MARIADB, POSTGRESQL, SERVERS, SQLITE

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
RUNNING = pytest.StashKey()
"""The database servers, by alias."""
MARKS = {"browser": "browser", "detection/timing": "hot_path", "end_to_end": "servers", "faults": "servers"}
"""The mark of every test in a folder."""


def pytest_itemcollected(item):
    """Mark the test as its folder is."""
    for folder in item.path.parents:
        if folder.is_relative_to(TESTS) and (mark := MARKS.get(folder.relative_to(TESTS).as_posix())):
            item.add_marker(mark)


def pytest_collection_finish(session):
    """Start the servers that selected tests want; skip the tests of one that is not installed."""
    session.config.stash[RUNNING] = {}
    if session.config.option.collectonly:
        return
    for alias in SERVERS:
        if wanting := [item for item in session.items if item.get_closest_marker(alias)]:
            _start(alias, session.config.stash[RUNNING], wanting)
    connections.configure_settings(settings.DATABASES)


def _start(alias, running, wanting):
    module = import_module(f"tests.{alias}")  # not before pytest has loaded the plugins that it imports
    if missing := module.missing():
        if os.environ.get(f"LOOPWATCH_TESTS_NEED_{alias.upper()}"):  # in CI, where it must not pass for success
            raise pytest.UsageError(missing)
        for item in wanting:
            item.add_marker(pytest.mark.skip(missing))
        return
    server = running[alias] = module.Server()
    server.start()
    settings.DATABASES[alias] = server.settings | {"TEST": {"DEPENDENCIES": []}}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Remove the servers after the fixtures of an interrupted run, which pytest tears down in this hook as well."""
    for server in session.config.stash.get(RUNNING, {}).values():
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


@pytest.fixture(params=[SQLITE, POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def database(request, settings, transactional_db):
    """Runs the test once a database: the connection to the one that every model is in.

    A test for one of them alone is marked with ``on_sqlite``, ``on_postgresql`` or ``on_mariadb``.
    """
    settings.DATABASE_ROUTERS = [Everything(request.param)]
    return connections[request.param]


@pytest.fixture
def database_server(request, database):
    """The server behind ``database``, running again after the test."""
    server = request.config.stash[RUNNING][database.alias]
    yield server
    server.start()
    database.close()
