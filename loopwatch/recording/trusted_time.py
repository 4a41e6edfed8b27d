"""What time it is for deleting: a clock that has jumped ahead, of a process or of the database, deletes nothing.

The earlier of both clocks counts, and only if something was stored by it for a while: a machine that is resumed with a
wrong clock finds the newest row to be months old, and waits two hours before it believes that.
"""

from contextlib import closing
from datetime import UTC, datetime, timedelta

from django.db import connections

from loopwatch.models import BlockingEvent, LoopTime
from loopwatch.recording.column_values import moment

BELIEVED_AFTER = timedelta(hours=2)
LONGEST_SILENCE = timedelta(days=7)
"""A site that stored nothing for longer has to store something for two hours again."""
_EPOCH = {
    "postgresql": "SELECT EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP())",
    "mysql": "SELECT UNIX_TIMESTAMP(NOW(6))",
}


def database_time(alias: str) -> datetime | None:
    """The time by the clock of the database's server, aware; ``None`` for a database that has no clock of its own."""
    connection = connections[alias]
    if connection.vendor not in _EPOCH:
        return None
    with closing(connection.cursor()) as cursor:
        cursor.execute(_EPOCH[connection.vendor])
        return datetime.fromtimestamp(float(cursor.fetchone()[0]), UTC)


def earlier_time(alias: str) -> datetime:
    """The time by this process's clock or the database's, whichever is earlier."""
    now = datetime.now(UTC)
    return min(now, database_time(alias) or now)


def is_believed(alias: str, now: datetime) -> bool:
    """Whether what is stored bears out that it is about ``now``."""
    lately = moment(now - LONGEST_SILENCE), moment(now - BELIEVED_AFTER)
    events = BlockingEvent.objects.using(alias).filter(started_at__range=lately)
    return events.exists() or LoopTime.objects.using(alias).filter(start__range=lately).exists()
