"""A database that fails while the site is served: every page is, every stall is counted once, when it works again."""

import resource
import shutil
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.databases import on_postgresql, on_servers, on_sqlite
from tests.support.children import run
from tests.support.site import copy_sqlite

pytestmark = pytest.mark.real_stall

BEGINNING_BYTES = 40_000
"""Less than an empty database takes, and more than the log of a site with an outage."""


@on_servers
def test_stalls_while_the_server_is_away_are_stored_when_it_is_back(site_on, database_server):
    site = site_on()
    site.serve()
    site.stall(3)
    site.wait_until_counted()
    database_server.stop()
    site.stall(4)
    site.wait_until_logged("Stalls cannot be written")
    site.stall(1)
    database_server.start()
    site.wait_until_counted()
    site.wait_until_logged("nothing that was kept is lost")


@on_postgresql
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_restart_of_the_server_under_an_open_connection_loses_nothing(site_on, database_server, how):
    site = site_on()
    site.serve()
    for _ in range(2):
        site.stall(2)
        site.wait_until_counted()
        database_server.stop(how)
        database_server.start()
    site.stall(1)
    site.wait_until_counted()


@on_sqlite
def test_stalls_while_the_file_is_locked_are_stored_after_it(site_on):
    site = site_on({"timeout": 0.1})
    site.serve()
    with closing(sqlite3.connect(site.database["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        site.stall(3)
        site.wait_until_logged("database is locked")
        site.stall(2)
    site.wait_until_counted()


@on_sqlite
def test_where_the_database_may_only_be_read_pages_are_served_and_the_log_says_what_to_do(site_on):
    site = site_on({"init_command": "PRAGMA query_only = ON"})
    site.serve()
    site.stall(3)
    site.wait_until_logged("Let this process write to the database")
    site.stall(1)


def test_stalls_before_the_migration_are_stored_after_it(site_of, tmp_path):
    empty = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "empty.sqlite3")}
    site = site_of(empty | {"OPTIONS": {"timeout": 60}})
    site.serve()
    site.stall(3)
    site.wait_until_logged("Run: manage.py migrate")
    site.stall(2)
    assert site.run("django", "migrate", "--verbosity", "0").wait(60) == 0
    site.wait_until_counted()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    if not mount or run([mount, "-t", "tmpfs", "-o", "size=4m", "none", folder]).returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    run(["umount", "--lazy", folder], check=True)


def test_stalls_while_the_disk_is_full_are_stored_when_there_is_room(site_of, migrated, small_disk):
    site = site_of(copy_sqlite(migrated, small_disk / "site.sqlite3"))
    site.serve()
    site.stall(2)
    site.wait_until_counted()
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(bytes(4096))
    site.stall(4)
    site.wait_until_logged("Stalls cannot be written")
    ballast.unlink()
    site.wait_until_counted()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux lets others lift a limit")
def test_stalls_while_the_file_may_not_grow_are_stored_when_it_may(site_of, migrated, tmp_path):
    site = site_of(copy_sqlite(migrated, tmp_path / "site.sqlite3"))
    site.serve()
    site.stall(2)
    site.wait_until_counted()
    limited = (BEGINNING_BYTES, resource.RLIM_INFINITY)
    unlimited = resource.prlimit(site.server.pid, resource.RLIMIT_FSIZE, limited)
    site.stall(4)
    site.wait_until_logged("Stalls cannot be written")
    resource.prlimit(site.server.pid, resource.RLIMIT_FSIZE, unlimited)
    site.wait_until_counted()
