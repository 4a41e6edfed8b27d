"""Determines why the database failed: what a person can do about it, and whether it will refuse the same content again.

The classes of exceptions do not say so: MySQL's drivers raise ``OperationalError`` for a character that a column cannot
hold. Causes are distinguished by the numbers of MariaDB and MySQL, by the SQLSTATE of PostgreSQL, and by the text.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, DataError, IntegrityError

_REFUSED = (DataError, IntegrityError, ValidationError, ValueError, TypeError, OverflowError)


class Blame(Enum):
    """What a failure is due to."""

    CONTENT = auto()
    """The database refuses what it is to store, and will refuse it again."""
    CONTENTION = auto()
    """Another transaction was in the way; the next attempt may succeed."""
    DATABASE = auto()
    """The database would refuse anything."""
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class _Cause:
    signs: re.Pattern[str]
    blame: Blame
    remedy: str


_CAUSES = (
    _Cause(
        re.compile(
            r"no such (table|column)|has no column|(relation|table|column) .*(does not|doesn't) exist|unknown column"
            r"|^\((1054|1146),|^(42p01|42703) "
        ),
        Blame.DATABASE,
        "Run: {migrate}",
    ),
    _Cause(
        re.compile(r"deadlock|could not serialize|^\(1213,|^(40001|40p01) "),
        Blame.CONTENTION,
        'Transactions waited for each other. If this goes on, let "isolation_level" in the OPTIONS of that database be '
        '"read committed".',
    ),
    _Cause(
        re.compile(r"lock wait|lock timeout|^\(1205,|^55p03 "),
        Blame.CONTENTION,
        "Another transaction keeps rows locked: look for one that stays open, such as a migration or a backup.",
    ),
    _Cause(
        # A statement that waits for a lock is what most often takes this long.
        re.compile(r"statement timeout|max_statement_time|maximum statement execution time|^\((1969|3024),|^57014 "),
        Blame.CONTENTION,
        "A statement took longer than the server allows. Most likely another transaction keeps rows locked; if none "
        'does, raise "statement_timeout" (PostgreSQL), "max_statement_time" (MariaDB) or "max_execution_time" (MySQL).',
    ),
    _Cause(
        re.compile("locked"),
        Blame.CONTENTION,
        'Another process writes for longer than SQLite waits: raise "timeout" in the OPTIONS of that database.',
    ),
    _Cause(
        re.compile(r"read-?only|^\((1290|1792|1836),|^25006 "),
        Blame.DATABASE,
        "Let this process write to the database. If it is a replica, name the primary: "
        '"DATABASE" in LOOPWATCH, or a database router.',
    ),
    _Cause(
        re.compile(r"permission denied|command denied|^\((1044|1142|1143),|^42501 "),
        Blame.DATABASE,
        "Let this process write to the database: its user needs SELECT, INSERT, UPDATE and DELETE.",
    ),
    _Cause(
        re.compile(r"password authentication failed|database .* does not exist|^\((1045|1049|1698),|^(28\w{3}|3d000) "),
        Blame.DATABASE,
        "Check NAME, USER and PASSWORD of that database in DATABASES.",
    ),
    _Cause(
        re.compile(r"disk is full|no space left|table .* is full|^\((1021|1114),|^53100 "),
        Blame.DATABASE,
        "Make room on the disk of the database.",
    ),
    _Cause(
        re.compile(r"^\((1267|1270|1271|1300|1366|3988),"),
        Blame.CONTENT,
        "Convert loopwatch's tables to the charset utf8mb4, which has every character.",
    ),
    _Cause(
        re.compile(r"^\(1153,"),
        Blame.CONTENT,
        'Raise "max_allowed_packet" of the server.',
    ),
    _Cause(
        re.compile(
            r"connect|unable to open|gone away|terminat"
            r"|^\((0|1040|1053|1203|2002|2003|2005|2006|2013|2055),|^(08|57p)\w+ "
        ),
        Blame.UNKNOWN,
        "Check that it is running and that the settings DATABASES and LOOPWATCH name the right one.",
    ),
)
_UNKNOWN = _Cause(re.compile(""), Blame.UNKNOWN, "")
_NO_REMEDY = "The text in parentheses says why."


class RowError(Exception):
    """One row could not be stored, although the database answers and stores others."""


def blame_for(error: BaseException) -> Blame:
    """Return what the failure is due to, as far as the exception shows it."""
    return Blame.CONTENT if isinstance(error, _REFUSED) else _cause(error).blame


def remedy_for(error: BaseException, alias: str) -> str:
    """Return one sentence: what to do while the database with this alias fails."""
    if isinstance(error, RowError):
        return "Everything else is written."
    return _cause(error).remedy.format(migrate=migrate_command(alias)) or _NO_REMEDY


def remedy_for_content(error: BaseException) -> str:
    """Return one sentence: what to do so that the database stores what it has refused; empty if that is not known."""
    cause = _cause(error)
    return cause.remedy if cause.blame is Blame.CONTENT else ""


def migrate_command(alias: str) -> str:
    """Return the command that makes loopwatch's tables in the database with this alias."""
    return "manage.py migrate" + ("" if alias == DEFAULT_DB_ALIAS else f" loopwatch --database {alias}")


def _cause(error: BaseException) -> _Cause:
    text = str(error).lower()
    if not text.startswith("("):  # no number of MariaDB or MySQL
        text = f"{getattr(error.__cause__, 'sqlstate', '')} {text}".lower()
    return next((cause for cause in _CAUSES if cause.signs.search(text)), _UNKNOWN)
