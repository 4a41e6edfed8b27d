"""Determines the time for retention, so that a clock that has jumped ahead deletes nothing.

The earlier of the process's and the database's clock counts, and only if rows were stored by it two hours ago or more.
A machine that resumes with a wrong date finds only rows that are months old, and waits for two hours.
"""

from contextlib import closing
from datetime import UTC, datetime, timedelta

from django.db import connections

from loopwatch.models import BlockingEvent, LoopTime
from loopwatch.stored_time import as_stored

BELIEVED_AFTER = timedelta(hours=2)
LONGEST_SILENCE = timedelta(days=7)
"""After a longer silence, a site has to run for ``BELIEVED_AFTER`` before anything is deleted."""
_EPOCH = {
    "postgresql": "SELECT EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP())",
    "mysql": "SELECT UNIX_TIMESTAMP(NOW(6))",
}


def database_time(alias: str) -> datetime | None:
    """Return the time of the database server, aware; ``None`` for a database without a server, such as SQLite."""
    connection = connections[alias]
    if connection.vendor not in _EPOCH:
        return None
    with closing(connection.cursor()) as cursor:
        cursor.execute(_EPOCH[connection.vendor])
        return datetime.fromtimestamp(float(cursor.fetchone()[0]), UTC)


def earlier_time(alias: str) -> datetime:
    """Return the time of this process or of the database server, whichever is earlier."""
    now = datetime.now(UTC)
    return min(now, database_time(alias) or now)


def is_believed(alias: str, now: datetime) -> bool:
    """Return whether stored rows confirm that the time is about ``now``."""
    lately = as_stored(now - LONGEST_SILENCE), as_stored(now - BELIEVED_AFTER)
    events = BlockingEvent.objects.using(alias).filter(started_at__range=lately)
    return events.exists() or LoopTime.objects.using(alias).filter(start__range=lately).exists()
