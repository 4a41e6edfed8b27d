"""Every failure of a database has the remedy of its cause, in the words of every database and driver."""

import pytest
from django.db import DataError, InterfaceError, InternalError, OperationalError, ProgrammingError

from loopwatch.recorder.failures import Blame, RowError, blame_for, remedy_for, remedy_for_content

MIGRATE = "Run: manage.py migrate"
FAILURES = [
    (OperationalError("no such table: loopwatch_finding"), Blame.DATABASE, MIGRATE),
    (OperationalError("table loopwatch_finding has no column named calls_seen"), Blame.DATABASE, MIGRATE),
    (ProgrammingError('relation "loopwatch_finding" does not exist\nLINE 1: …'), Blame.DATABASE, MIGRATE),
    (OperationalError(1054, "Unknown column 'calls_seen' in 'INSERT INTO'"), Blame.DATABASE, MIGRATE),
    (ProgrammingError(1146, "Table 'site.loopwatch_finding' doesn't exist"), Blame.DATABASE, MIGRATE),
    (OperationalError(1213, "Deadlock found when trying to get lock"), Blame.CONTENTION, '"read committed"'),
    (OperationalError("deadlock detected"), Blame.CONTENTION, '"read committed"'),
    (OperationalError("could not serialize access"), Blame.CONTENTION, '"read committed"'),
    (OperationalError(1205, "Lock wait timeout exceeded"), Blame.CONTENTION, "keeps rows locked"),
    (OperationalError("canceling statement due to lock timeout"), Blame.CONTENTION, "keeps rows locked"),
    (OperationalError("canceling statement due to statement timeout"), Blame.CONTENTION, '"statement_timeout"'),
    (OperationalError(1969, "Query execution was interrupted"), Blame.CONTENTION, '"max_statement_time"'),
    (OperationalError(3024, "Query execution was interrupted"), Blame.CONTENTION, '"max_execution_time"'),
    (OperationalError("database is locked"), Blame.CONTENTION, 'raise "timeout"'),
    (OperationalError("attempt to write a readonly database"), Blame.DATABASE, "name the primary"),
    (OperationalError(1290, "running with the --read-only option"), Blame.DATABASE, "name the primary"),
    (OperationalError(1792, "Cannot execute statement in a READ ONLY"), Blame.DATABASE, "name the primary"),
    (InternalError("cannot execute UPDATE in a read-only transaction"), Blame.DATABASE, "name the primary"),
    (OperationalError(1142, "INSERT command denied to user 'ro'"), Blame.DATABASE, "its user needs SELECT"),
    (ProgrammingError("permission denied for table loopwatch_finding"), Blame.DATABASE, "its user needs SELECT"),
    (OperationalError(1045, "Access denied for user 'ada'"), Blame.DATABASE, "Check NAME, USER"),
    (OperationalError(1049, "Unknown database 'stalls'"), Blame.DATABASE, "Check NAME, USER"),
    (OperationalError('connection failed: FATAL: database "nodb" does not exist'), Blame.DATABASE, "Check NAME, USER"),
    (OperationalError("database or disk is full"), Blame.DATABASE, "Make room"),
    (OperationalError(1114, "The table 'loopwatch_finding' is full"), Blame.DATABASE, "Make room"),
    (DataError(1366, "Incorrect string value"), Blame.CONTENT, "utf8mb4"),
    (OperationalError(1366, "Incorrect string value"), Blame.CONTENT, "utf8mb4"),
    (OperationalError(1267, "Illegal mix of collations"), Blame.CONTENT, "utf8mb4"),
    (OperationalError(1153, "Got a packet bigger than"), Blame.CONTENT, '"max_allowed_packet"'),
    (OperationalError(2003, "Can't connect to MySQL server"), Blame.UNKNOWN, "Check that it is running"),
    (OperationalError(2006, "MySQL server has gone away"), Blame.UNKNOWN, "Check that it is running"),
    (InterfaceError(0, ""), Blame.UNKNOWN, "Check that it is running"),
    (OperationalError("server closed the connection unexpectedly"), Blame.UNKNOWN, "Check that it is running"),
    (OperationalError("unable to open database file"), Blame.UNKNOWN, "Check that it is running"),
    (OperationalError(1644, "not this one"), Blame.UNKNOWN, "The text in parentheses"),
    (RuntimeError("a router raised this"), Blame.UNKNOWN, "The text in parentheses"),
    (RowError("OperationalError: (2006, 'MySQL server has gone away')"), Blame.UNKNOWN, "Everything else is written"),
]


@pytest.mark.parametrize(("error", "blame", "remedy"), FAILURES, ids=[str(error) for error, *_ in FAILURES])
def test_a_failure_has_the_remedy_of_its_cause(error, blame, remedy):
    assert blame_for(error) is blame
    assert remedy in remedy_for(error, "default")


@pytest.mark.parametrize(
    ("sqlstate", "text", "remedy"),
    [
        ("42P01", "Relation »loopwatch_finding« existiert nicht", MIGRATE),
        ("57014", "storniere Anfrage wegen Zeitüberschreitung der Anfrage", '"statement_timeout"'),
    ],
)
def test_a_server_that_speaks_another_language_is_understood_by_its_codes(sqlstate, text, remedy):
    error = ProgrammingError(text)
    error.__cause__ = Exception()
    error.__cause__.sqlstate = sqlstate
    assert remedy in remedy_for(error, "default")


def test_the_command_to_migrate_names_a_database_that_is_not_the_default():
    assert remedy_for(OperationalError("no such table: x"), "stalls") == f"{MIGRATE} loopwatch --database stalls"


def test_what_is_refused_has_a_remedy_only_if_the_content_is_to_blame():
    assert "utf8mb4" in remedy_for_content(OperationalError(1366, "Incorrect string value"))
    assert remedy_for_content(ValueError("lineno")) == remedy_for_content(OperationalError(2006, "gone away")) == ""
