"""Runs a site in separate processes, asks it for pages, and counts what it has stored."""

import json
import re
import sqlite3
from contextlib import closing

import psycopg

try:
    import pymysql
except ImportError:
    pymysql = None

from testproject.demo.ports import LOOPBACK
from tests.support.site import WITHIN_S, Site
from tests.support.waiting import wait_until

UVICORN = (
    *("uvicorn", "tests.faults.application:application", "--host", LOOPBACK, "--port", "{port}"),
    *("--log-level", "warning"),
)
EVENTS = "SELECT COALESCE(SUM(events), 0) FROM loopwatch_finding WHERE function = 'tests.faults.settings.stall'"
UNEXPLAINED = """
    SELECT finding.events - finding.events_thinned - COUNT(event.id) FROM loopwatch_finding AS finding
    LEFT JOIN loopwatch_blockingevent AS event ON event.finding_id = finding.id
    GROUP BY finding.id, finding.events, finding.events_thinned
"""
ALL = "SELECT COALESCE(SUM(events), 0) FROM loopwatch_finding"
# In one statement, because the site may write between two.
OUTSIDE_OF_HOURS = f"SELECT ({ALL}) - (SELECT COALESCE(SUM(events), 0) FROM loopwatch_hourlytotal)"
STALL_MS = 100
DETECTED = "Detected in tests.faults.settings.stall."
DISTURBED = re.compile(r"The event loop stood still for (\d+) ms, but no call is to blame")


class StallingSite(Site):
    """A site whose ``DATABASES`` has ``database``, and whose ``LOOPWATCH`` has ``loopwatch``.

    Where the machine takes the CPU away, a stall is not recorded as one: ``real_time`` accounts for that.
    """

    def __init__(self, folder, real_time, database, **loopwatch):
        self.database = database
        self._real_time = real_time
        super().__init__(
            folder,
            DJANGO_SETTINGS_MODULE="tests.faults.settings",
            SITE_DATABASE=json.dumps(database),
            SITE_LOOPWATCH=json.dumps(loopwatch),
            SITE_STALL_MS=str(STALL_MS),
        )

    def serve(self, *command):
        """Start the server, by default uvicorn, and wait until it answers."""
        super().serve(*(command or UVICORN), ready="/ok/")

    def stall(self, times):
        """Block the loop until this many more stalls were detected; every page is served, whatever else is wrong."""
        for _ in range(times):
            for run in self._real_time.runs():
                detected, disturbed = self.detected, self.disturbed
                assert self.get("/stall/") == "ok"
                self._wait_for(lambda before=(detected, disturbed): (self.detected, self.disturbed) != before)
                if self.detected > detected:
                    run.exact()
                else:
                    run.disturbed("a stall of the site's page was the machine's doing")

    @property
    def detected(self):
        """How many stalls of its page the processes of the site have detected, according to their callbacks."""
        return self.log.count(DETECTED)

    @property
    def disturbed(self):
        """How many steps, as long as those stalls, were the machine's doing."""
        return sum(int(duration_ms) >= STALL_MS for duration_ms in DISTURBED.findall(self.log))

    def wait_until_logged(self, text):
        self._wait_for(lambda: text in self.log)

    def wait_until_counted(self):
        """Wait until every stall that was detected is stored, and none of them twice."""
        self._wait_for(lambda: self.counted() == self.detected > 0)
        self.check()

    def check(self):
        """Nothing is stored by half: every event belongs to a finding and to an hour."""
        assert {unexplained for (unexplained,) in self.query(UNEXPLAINED)} == {0}
        assert self.query(OUTSIDE_OF_HOURS) == [(0,)]

    def counted(self):
        return int(self.query(EVENTS)[0][0])

    def query(self, sql):
        if "sqlite3" in self.database["ENGINE"]:
            with closing(sqlite3.connect(self.database["NAME"], timeout=WITHIN_S)) as connection:
                return connection.execute(sql).fetchall()
        if "pymysql" in self.database["ENGINE"]:
            names = {"unix_socket": "HOST", "user": "USER", "database": "NAME"}
            chosen = {name: self.database[key] for name, key in names.items()}
            with closing(pymysql.connect(**chosen)) as connection, connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        names = {"host": "HOST", "user": "USER", "dbname": "NAME"}
        with psycopg.connect(**{name: self.database[key] for name, key in names.items()}) as connection:
            return connection.execute(sql).fetchall()

    def _wait_for(self, condition):
        wait_until(condition, within_s=WITHIN_S, otherwise=lambda: self.log)
