"""Runs the site in processes of its own, asks it for pages, and counts what it has stored."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import psycopg

from testproject.demo.ports import LOOPBACK, any_free

ROOT = Path(__file__).resolve().parent.parent.parent
WITHIN_S = 90
UVICORN = ("uvicorn", "tests.faults.application:application", "--host", LOOPBACK, "--log-level", "warning")

EVENTS = "SELECT COALESCE(SUM(events), 0) FROM loopwatch_finding WHERE function = 'tests.faults.settings.stall'"
UNEXPLAINED = """
    SELECT finding.events - finding.events_thinned - COUNT(event.id) FROM loopwatch_finding AS finding
    LEFT JOIN loopwatch_blockingevent AS event ON event.finding_id = finding.id
    GROUP BY finding.id, finding.events, finding.events_thinned
"""
HOURS = "SELECT COALESCE(SUM(events), 0) FROM loopwatch_hourlytotal"
ALL = "SELECT COALESCE(SUM(events), 0) FROM loopwatch_finding"

_open = build_opener(ProxyHandler({})).open


class Site:
    """One site: ``database`` is what stands in its ``DATABASES``, ``loopwatch`` in its ``LOOPWATCH``."""

    def __init__(self, folder, database, **loopwatch):
        self.database = database
        self._log = folder / "site.log"
        self._environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "SITE_DATABASE": json.dumps(database),
            "SITE_LOOPWATCH": json.dumps(loopwatch),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        self.port = any_free()
        self.process = None

    @property
    def log(self):
        return self._log.read_text(encoding="utf-8")

    def serve(self, *command, in_group=False):
        """Start the server, by default uvicorn, and wait until it answers; ``in_group``: in a group of its own."""
        self.process = self.run(*(command or (*UVICORN, "--port", str(self.port))), in_group=in_group)
        self._wait_for(self._answers)

    def run(self, *command, in_group=False):
        """Start ``python -m <command>``, or ``python -c <script>``, with the settings of the site."""
        flags = [] if command[0] == "-c" else ["-m"]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *flags, *command],
                env=self._environment,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                start_new_session=in_group,
            )

    def stall(self, times):
        """Ask for the page that blocks the loop; it must be served, whatever else is wrong."""
        for _ in range(times):
            assert self._get("/stall/") == "ok"

    def stop(self, how=signal.SIGTERM):
        if self.process:
            self.process.send_signal(how)
            try:
                self.process.wait(WITHIN_S)
            finally:
                self.process.kill()
            self.process = None

    def wait_until_logged(self, text):
        self._wait_for(lambda: text in self.log)

    def wait_until_counted(self, stalls):
        """Wait until this many are stored; there must not be more, nor any that nothing is known of."""
        self._wait_for(lambda: self.counted() >= stalls)
        assert self.counted() == stalls, self.log
        assert {unexplained for (unexplained,) in self._query(UNEXPLAINED)} == {0}
        assert self._query(HOURS) == self._query(ALL)

    def counted(self):
        return int(self._query(EVENTS)[0][0])

    def _query(self, sql):
        if "sqlite3" in self.database["ENGINE"]:
            with closing(sqlite3.connect(self.database["NAME"], timeout=WITHIN_S)) as connection:
                return connection.execute(sql).fetchall()
        names = {"host": "HOST", "user": "USER", "dbname": "NAME"}
        with psycopg.connect(**{name: self.database[key] for name, key in names.items()}) as connection:
            return connection.execute(sql).fetchall()

    def _get(self, path):
        with _open(f"http://{LOOPBACK}:{self.port}{path}", timeout=WITHIN_S) as response:
            return response.read().decode()

    def _answers(self):
        assert self.process.poll() is None, self.log
        try:
            return self._get("/ok/") == "ok"
        except OSError:
            return False

    def _wait_for(self, condition):
        deadline = time.monotonic() + WITHIN_S
        while not condition():
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)
