"""Locks a table as another process might."""

from contextlib import contextmanager

from loopwatch.models import Finding

LOCK = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": f"BEGIN; LOCK TABLE {Finding._meta.db_table}",
    "mysql": f"LOCK TABLES {Finding._meta.db_table} WRITE",
}


@contextmanager
def findings_locked(database):
    """Keep everybody else from writing findings."""
    with database.cursor() as cursor:
        cursor.execute(LOCK[database.vendor])
        yield
        cursor.execute("UNLOCK TABLES" if database.vendor == "mysql" else "ROLLBACK")
