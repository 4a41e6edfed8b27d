"""Prints what has blocked the event loop, from the findings and hourly totals in the database."""

import os
import shutil
import sys
from argparse import RawDescriptionHelpFormatter
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.core.management.color import Style, no_style
from django.db import DatabaseError, connections, router
from django.utils.connection import ConnectionDoesNotExist

from loopwatch.conf import configuration
from loopwatch.models import Finding
from loopwatch.reporting.as_json import render_json
from loopwatch.reporting.as_text import render_text
from loopwatch.reporting.queries import SORTS, STATUSES, build_report
from loopwatch.reporting.report import Report
from loopwatch.reporting.since import FORMS, parse_since

_EXAMPLES = """\
examples:
  manage.py loopwatch_report                                the open findings that blocked most
  manage.py loopwatch_report --since 24h --sort events      what happens most often, last 24 hours
  manage.py loopwatch_report --since 2026-11-01 --limit 5   the worst five since a release
  manage.py loopwatch_report --status all --format json     everything, for a program
"""


class _HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Leaves the lines of the examples as they are."""


class Command(BaseCommand):
    help = "Print the calls that blocked the event loop, the worst first."
    # Some of Django's ask the database, and end in a traceback where it cannot be reached.
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=_HelpFormatter, epilog=_EXAMPLES, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", metavar="WHEN", help=f"only what happened since: {FORMS} (whole hours count)")
        parser.add_argument("--limit", type=int, default=20, metavar="N", help="findings to list (default: 20)")
        parser.add_argument("--sort", choices=SORTS, default="blocked", help="largest first by (default: blocked)")
        parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")
        parser.add_argument("--status", choices=STATUSES, default="open", help="findings to list (default: open)")
        parser.add_argument(
            "--database", metavar="ALIAS", help="database to read (default: the one loopwatch writes to)"
        )

    def handle(
        self,
        *_args: Any,
        since: str | None,
        limit: int,
        sort: str,
        format: str,  # noqa: A002 - the option's name
        status: str,
        database: str | None,
        **options: Any,
    ) -> None:
        if limit < 1:
            raise CommandError("--limit must be at least 1.")
        try:
            begin = parse_since(since, datetime.now(UTC)) if since is not None else None
        except ValueError as error:
            raise CommandError(f"--since: {error}") from None
        report = self._read(database or self._usual_database(), begin, limit, sort, status)
        self._print(render_json(report) if format == "json" else self._as_text(report, options))

    def _usual_database(self) -> str:
        try:
            return configuration().database or router.db_for_read(Finding)
        except ImproperlyConfigured as error:
            raise CommandError(f"The settings are wrong.\n{error}") from None

    def _read(self, alias: str, since: datetime | None, limit: int, sort: str, status: str) -> Report:
        try:
            if Finding._meta.db_table not in connections[alias].introspection.table_names():
                raise CommandError(f"The database {alias!r} has no tables of loopwatch: run manage.py migrate.")
            return build_report(since=since, limit=limit, sort=sort, status=status, using=alias)
        except ConnectionDoesNotExist:
            raise CommandError(f"There is no database {alias!r} in DATABASES.") from None
        except DatabaseError as error:
            raise CommandError(f"The database {alias!r} cannot be read: {error}") from error

    def _as_text(self, report: Report, options: dict[str, Any]) -> str:
        return render_text(report, width=shutil.get_terminal_size().columns, style=self._style(options))

    def _style(self, options: dict[str, Any]) -> Style:
        """Colour by where this command prints, which need not be the process's own standard output."""
        return self.style if options["force_color"] or self.stdout.isatty() else no_style()

    def _print(self, text: str) -> None:
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        try:
            self.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self.stdout.flush()
        except BrokenPipeError:
            # The reader has had enough; the interpreter must not try to flush the rest as it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
