"""Checks that the database can store what loopwatch stores."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from loopwatch.conf import configuration

CHARSET = "utf8mb4"


def check_database(**_: Any) -> list[CheckMessage]:
    """loopwatch.E009: the database is Oracle; loopwatch.W017: the charset of its connections lacks characters."""
    alias = _alias()
    if alias is None:
        return []
    connection = connections[alias]
    if connection.vendor == "oracle":
        return [
            Error(
                f"The database {alias!r} is Oracle, in which loopwatch cannot store.",
                hint='Name another one, LOOPWATCH = {"DATABASE": "stalls"}, or leave "database" out of SINKS.',
                id="loopwatch.E009",
            )
        ]
    charset = connection.settings_dict["OPTIONS"].get("charset", CHARSET)
    if connection.vendor != "mysql" or charset == CHARSET:
        return []
    return [_charset(f"The connections to {alias!r} have", charset, f'"charset": "{CHARSET}" in its OPTIONS')]


def check_columns(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """loopwatch.W017: columns of loopwatch's tables have a charset that lacks characters.

    Queries the database, so it runs only where Django has one checked: before ``manage.py migrate``, with
    ``manage.py check --database``, and from Django 6.1 on with ``manage.py check``.
    """
    alias = _alias()
    if alias is None or alias not in (databases or ()) or connections[alias].vendor != "mysql":
        return []
    charsets = _charsets(connections[alias])
    convert = f"ALTER TABLE … CONVERT TO CHARACTER SET {CHARSET}"
    return [_charset(f"Columns of {table} have", charset, convert) for table, charset in charsets]


def _alias() -> str | None:
    """Return the alias of the database to store in; ``None`` if nothing is to be stored, or the settings are wrong."""
    try:
        current = configuration()
    except ImproperlyConfigured:
        return None  # reported by check_settings
    is_used = current.enabled and "database" in current.sinks
    return current.database or router.db_for_write(apps.get_model("loopwatch", "Finding")) if is_used else None


def _charset(what: str, charset: str, cure: str) -> CheckMessage:
    return Warning(
        f"{what} the charset {charset}, which lacks characters that source lines and routes may have. The details of "
        "stalls with such a character are lost.",
        hint=f"Use {cure}.",
        id="loopwatch.W017",
    )


def _charsets(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    tables = [model._meta.db_table for model in apps.get_app_config("loopwatch").get_models()]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT table_name, character_set_name FROM information_schema.columns WHERE table_schema = "
            "DATABASE() AND table_name IN %s AND character_set_name <> %s ORDER BY 1, 2",
            [tables, CHARSET],
        )
        return list(cursor.fetchall())
