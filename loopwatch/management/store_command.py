"""Provides the base classes of the commands: of all, and of those that read or prune the store."""

from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter
from django.db import DatabaseError, connections, router
from django.utils.connection import ConnectionDoesNotExist

from loopwatch.conf import configuration
from loopwatch.management.usage_error import usage_error
from loopwatch.models import Finding
from loopwatch.recorder.failures import migrate_command


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the line breaks of the examples."""


class CommandWithExamples(BaseCommand):
    """Adds the ``examples`` of ``--help``, and reports wrong settings without a traceback."""

    examples: str
    # Some of Django's checks query the database, and end in a traceback if it cannot be reached.
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"formatter_class": HelpFormatter, "epilog": self.examples}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except ImproperlyConfigured as error:
            raise usage_error(f"The settings are invalid.\n{error}") from None


class StoreCommand(CommandWithExamples):
    """Adds ``--database``, and reports database errors in one line."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--database", metavar="ALIAS", help="the database to use (default: the one loopwatch writes to)"
        )

    @contextmanager
    def store(self, database: str | None, *, for_writing: bool = False) -> Iterator[str]:
        """Yield the alias of ``database``, the settings or the router. Database errors become ``CommandError``."""
        routed = router.db_for_write if for_writing else router.db_for_read
        alias = database or configuration().database or routed(Finding)
        try:
            if Finding._meta.db_table not in connections[alias].introspection.table_names():
                raise usage_error(f"The database {alias!r} has no loopwatch tables: run {migrate_command(alias)}.")
            yield alias
        except ConnectionDoesNotExist:
            raise usage_error(f"DATABASES has no database {alias!r}.") from None
        except DatabaseError as error:
            raise usage_error(f"Cannot use the database {alias!r}: {error}") from error
