"""Prints what has blocked the event loop, from the findings and hourly totals in the database."""

import os
import shutil
import sys
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.color import Style, no_style

from loopwatch.management.store_command import StoreCommand
from loopwatch.reporting.as_json import render_json
from loopwatch.reporting.as_text import render_text
from loopwatch.reporting.queries import SORTS, STATUSES, build_report
from loopwatch.reporting.report import Report
from loopwatch.reporting.since import FORMS, parse_since


class Command(StoreCommand):
    help = "Print the calls that blocked the event loop, the worst first."
    examples = """\
examples:
  manage.py loopwatch_report                                the open findings that blocked most
  manage.py loopwatch_report --since 24h --sort events      what happens most often, last 24 hours
  manage.py loopwatch_report --since 2026-11-01 --limit 5   the worst five since a release
  manage.py loopwatch_report --status all --format json     everything, for a program
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--since", metavar="WHEN", help=f"only what happened since: {FORMS} (whole hours count)")
        parser.add_argument("--limit", type=int, default=20, metavar="N", help="findings to list (default: 20)")
        parser.add_argument("--sort", choices=SORTS, default="blocked", help="largest first by (default: blocked)")
        parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")
        parser.add_argument("--status", choices=STATUSES, default="open", help="findings to list (default: open)")

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
        with self.store(database) as alias:
            report = build_report(since=begin, limit=limit, sort=sort, status=status, using=alias)
        self._print(render_json(report) if format == "json" else self._as_text(report, options))

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
