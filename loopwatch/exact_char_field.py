"""Defines the column of every text, in which each character counts on every database."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import IContains, IExact

if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField


class ExactCharField(_CharField):
    """A ``CharField`` in which different texts are different values, on MariaDB and MySQL too.

    Most of their collations ignore case, accents and blanks at the end: ``Cart/`` and ``cart/`` would be one route. And
    the charset of a database may lack characters. The collation that is chosen here has neither fault.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        """Add the collation, by vendor. It is no part of the migration, which every database shares."""
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            is_mariadb = getattr(connection, "mysql_is_mariadb")  # noqa: B009 - only this vendor's wrapper has it
            parameters["collation"] = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        return parameters


class _IgnoringCase:
    """Makes a lookup ignore case where that depends on the collation."""

    def process_lhs(self, compiler: Any, connection: BaseDatabaseWrapper, lhs: Any = None) -> Any:
        sql, parameters = super().process_lhs(compiler, connection, lhs)  # type: ignore[misc]
        return f"{sql} COLLATE utf8mb4_general_ci" if connection.vendor == "mysql" else sql, parameters


@ExactCharField.register_lookup
class ExactCharContains(_IgnoringCase, IContains):
    """``icontains``: a search in the admin."""


@ExactCharField.register_lookup
class ExactCharIsExact(_IgnoringCase, IExact):
    """``iexact``: a search for a method in the admin."""
