"""Prints what blocked the event loop, from the findings and hourly totals in the database."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.core.management.color import Style, no_style
from django.db import close_old_connections
from django.utils import timezone

from loopwatch.conf import configuration
from loopwatch.escaping.terminal import visible
from loopwatch.management.output import print_text, show_repeatedly, write_file
from loopwatch.management.report_options import ReportOptions, add_arguments
from loopwatch.management.store_command import StoreCommand
from loopwatch.management.usage_error import usage_error
from loopwatch.reporting.comparison_report import UnknownReleaseError, build_comparison
from loopwatch.reporting.fail_on import Failure, failures
from loopwatch.reporting.finding_report import build_report
from loopwatch.reporting.formats import FORMATS, Printed, Surroundings
from loopwatch.reporting.group_report import build_grouped_report
from loopwatch.reporting.host_report import build_host_report
from loopwatch.reporting.report import FINDING, HOST, Report
from loopwatch.reporting.repository import NoRepositoryError
from loopwatch.reporting.selection import Selection
from loopwatch.reporting.step_report import render_steps

FINDINGS_FAIL = 1
_MAX_FAILURES_SHOWN = 10


class Command(StoreCommand):
    help = "Print the calls that blocked the event loop, worst first."
    examples = """\
examples:
  manage.py loopwatch_report                                 open findings, most impact first
  manage.py loopwatch_report --since 24h --sort events       most frequent of the last 24 hours
  manage.py loopwatch_report --group-by route --since 7d     routes that stall
  manage.py loopwatch_report --compare 1.4.2 1.5.0           what a release made better or worse
  manage.py loopwatch_report --steps --since 24h             how long steps lasted, to choose the threshold
  manage.py loopwatch_report --watch --compact               redraw on the terminal every two seconds
  manage.py loopwatch_report --status all --format json      all findings, for a program
  manage.py loopwatch_report --format html --output week.html --since 7d
  manage.py loopwatch_report --compare 1.4.2 1.5.0 --fail-on new --fail-on regressed --fail-over 100ms
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_arguments(parser)

    def handle(self, *_args: Any, database: str | None, **parsed: Any) -> None:
        options = ReportOptions.parsed(parsed)
        for problem in options.problems():
            raise usage_error(problem)
        style = self._style(forced=parsed["force_color"])
        with self.store(database) as alias:
            if options.watch is not None:
                self._watch(options, options.watch, alias, style)
                return
            failed = self._report(options, alias, style)
        if failed:
            self._print_failures(failed)
            sys.exit(FINDINGS_FAIL)

    def _report(self, options: ReportOptions, alias: str, style: Style) -> list[Failure]:
        """Print the report once, and return the findings that fail."""
        selection = self._selection(options, alias)
        printed = self._printed(options, selection, no_style() if options.output else style)
        failed = failures(options.fail_conditions, selection) if options.fail_conditions else []
        if options.output:
            self._write(options.output, printed.text)
        else:
            print_text(self.stdout, printed.text)
        for remark in printed.remarks:
            self.stderr.write(visible(remark), str)
        return failed

    def _watch(self, options: ReportOptions, interval_s: float, alias: str, style: Style) -> None:
        if not self.stdout.isatty():
            raise usage_error("--watch needs a terminal: omit it if the output goes elsewhere.")

        def text() -> str:
            close_old_connections()
            now = f"{timezone.localtime():%H:%M:%S}"
            report = self._printed(options, self._selection(options, alias), style).text
            return f"{now}, every {interval_s:g} s; press Ctrl-C to stop.\n\n{report}"

        show_repeatedly(self.stdout, text, interval_s)

    def _selection(self, options: ReportOptions, alias: str) -> Selection:
        try:
            return options.selection(datetime.now(UTC), alias)
        except ValueError as error:
            raise usage_error(f"--since: {error}") from None

    def _printed(self, options: ReportOptions, selection: Selection, style: Style) -> Printed:
        if options.steps:
            return Printed(render_steps(selection.begin, selection.using, configuration().threshold_ms))
        surroundings = Surroundings(
            shutil.get_terminal_size().columns, style, options.repository, selection.using, options.compact
        )
        try:
            return FORMATS[options.format].print(_built(options, selection), surroundings)
        except UnknownReleaseError as error:
            raise usage_error(f"--compare: {error}") from None
        except NoRepositoryError as error:
            raise usage_error(f"--repository: {error}") from None

    def _write(self, output: str, text: str) -> None:
        try:
            write_file(Path(output), text)
        except (OSError, ValueError) as error:
            raise usage_error(f"--output: cannot write {output!r}: {error}") from None

    def _print_failures(self, failed: list[Failure]) -> None:
        count = "1 finding fails" if len(failed) == 1 else f"{len(failed)} findings fail"
        more = [f"and {len(failed) - _MAX_FAILURES_SHOWN} more"] if len(failed) > _MAX_FAILURES_SHOWN else []
        self.stderr.write(
            "\n  ".join([f"{count}:", *(visible(str(each)) for each in failed[:_MAX_FAILURES_SHOWN]), *more])
        )

    def _style(self, *, forced: bool) -> Style:
        """Return colours if this command's own output, which may be redirected by its caller, is a terminal."""
        return self.style if forced or self.stdout.isatty() else no_style()


def _built(options: ReportOptions, selection: Selection) -> Report:
    if options.compared:
        return build_comparison(selection, *options.compared)
    if options.group_by == HOST:
        return build_host_report(selection)
    return build_report(selection) if options.group_by == FINDING else build_grouped_report(selection, options.group_by)
