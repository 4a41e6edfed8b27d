from contextlib import contextmanager

import pytest
from django.db import connections

from tests.databases import on_mariadb

E009, W017 = "loopwatch.E009", "loopwatch.W017"


@pytest.fixture
def vendor(monkeypatch):
    """Return a function that gives the default database another vendor."""

    def change(name):
        monkeypatch.setattr(connections["default"], "vendor", name)

    return change


@pytest.mark.parametrize("name", ["sqlite", "postgresql", "mysql"])
def test_a_supported_database_gives_no_error(found, vendor, name):
    vendor(name)
    assert not found(E009)
    assert not found(W017)


def test_oracle_is_an_error(found, vendor):
    vendor("oracle")
    (message,) = found(E009)
    assert message.is_serious()
    assert "'default' is Oracle" in message.msg


@pytest.mark.parametrize("value", [{"SINKS": ["log"]}, {"ENABLED": False}, {"ENABLED": None}])
def test_oracle_gives_no_error_where_nothing_is_stored(found, vendor, settings, value):
    vendor("oracle")
    settings.LOOPWATCH = value
    assert not found(E009)


@pytest.mark.parametrize(("charset", "is_named"), [("utf8", True), ("latin1", True), ("utf8mb4", False)])
def test_connections_with_a_charset_that_lacks_characters_are_named(found, vendor, monkeypatch, charset, is_named):
    vendor("mysql")
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", {"charset": charset})
    messages = found(W017)
    assert [f"'default' have the charset {charset}" in message.msg for message in messages] == [True] * is_named


@contextmanager
def converted(database, charset):
    """Convert a column, as one would that converts all tables of a site."""
    statement = "ALTER TABLE loopwatch_finding MODIFY function varchar(300) CHARACTER SET {} NOT NULL"
    with database.cursor() as cursor:
        cursor.execute(statement.format(charset))
        try:
            yield
        finally:
            cursor.execute(statement.format("utf8mb4 COLLATE utf8mb4_nopad_bin"))


@on_mariadb
def test_columns_with_a_charset_that_lacks_characters_are_named_where_the_database_is_checked(found, database):
    assert not found(W017, databases=[database.alias])
    with converted(database, "latin1"):
        (message,) = found(W017, databases=[database.alias])
        assert "loopwatch_finding have the charset latin1" in message.msg
        assert not found(W017)
        assert not found(W017, databases=["default"])
