"""A Django site that is served by a separate process, and its SQLite database."""

import os
import signal
import sqlite3
import sys
from contextlib import closing
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest
from django.core.management import call_command
from django.db import connections

from testproject.demo.ports import LOOPBACK, any_free
from tests.support.children import ROOT, Child
from tests.support.waiting import wait_until

WITHIN_S = 90

_open = build_opener(ProxyHandler({})).open


class Site:
    """One site, whose settings read ``environment``. Leaving ``with`` kills its server and all that ``run`` started."""

    def __init__(self, folder, **environment):
        self.port = any_free()
        self.address = f"http://{LOOPBACK}:{self.port}"
        self.server = None
        self.cwd = ROOT
        self.environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | environment
        self._log = folder / f"site-{self.port}.log"
        self._started = []

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        for child in self._started:
            child.kill_group()

    @property
    def log(self):
        """What all processes of the site have printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def run(self, *command):
        """Start ``python -m <command>``, or ``python -c <script>``, with the settings of the site."""
        flags = [] if command[0] == "-c" else ["-m"]
        self._started.append(
            Child([sys.executable, *flags, *command], log=self._log, env=self.environment, cwd=self.cwd)
        )
        return self._started[-1]

    def serve(self, *command, ready="/"):
        """Start a server, with ``{port}`` in its command, and wait until it answers a request for ``ready``."""
        self.server = self.run(*(part.format(port=self.port) for part in command))
        wait_until(lambda: self._answers(ready), within_s=WITHIN_S, otherwise=lambda: self.log)

    def get(self, path):
        """The text of a page."""
        with _open(self.address + path, timeout=WITHIN_S) as response:
            return response.read().decode()

    def stop(self, how=signal.SIGTERM):
        """End the server with a signal; return its exit code."""
        self.server.send_signal(how)
        return self.server.wait(WITHIN_S)

    def _answers(self, path):
        assert self.server.poll() is None, self.log
        try:
            self.get(path)
        except HTTPError:
            raise
        except OSError:
            return False
        return True


def copy_sqlite(source, target):
    """Copy a database with everything that other connections have written; return what goes into ``DATABASES``."""
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
        origin.backup(copy)
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(target)}


@pytest.fixture(scope="session")
def migrated(django_db_blocker, tmp_path_factory):
    """A SQLite file with the tables of loopwatch, which a site gets a copy of."""
    file = tmp_path_factory.mktemp("migrated") / "site.sqlite3"
    connections.databases["migrated"] = connections.databases["default"] | {"NAME": file}
    with django_db_blocker.unblock():
        call_command("migrate", "loopwatch", database="migrated", verbosity=0)
        connections["migrated"].close()
    del connections["migrated"], connections.databases["migrated"]
    return file
