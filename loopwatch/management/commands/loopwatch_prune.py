"""Deletes stored events that are too old or too many, and old counts of thread waits. Keeps all counts of stalls."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from loopwatch.conf import configuration
from loopwatch.management.output import print_text
from loopwatch.management.store_command import StoreCommand
from loopwatch.management.usage_error import usage_error
from loopwatch.recorder.pruning import BATCH_SIZE, Limits, count, prune
from loopwatch.recorder.trusted_time import LONGEST_SILENCE, earlier_time, is_believed
from loopwatch.recorder.wait_pruning import prune_waits, waits_before
from loopwatch.reporting.since_option import FORMS, parse_since
from loopwatch.stored_time import as_stored

_LARGEST_BATCH = 10_000


class Command(StoreCommand):
    help = (
        "Delete stored events, with their stacks, that are too old or too many, and hourly counts of thread waits that "
        "are too old. All counts of stalls are kept. Without --older-than and --keep-events, the settings decide."
    )
    examples = """\
examples:
  manage.py loopwatch_prune                        apply EVENTS_KEPT_DAYS and EVENTS_PER_FINDING
  manage.py loopwatch_prune --older-than 30d       delete events and thread waits from more than 30 days ago
  manage.py loopwatch_prune --keep-events 10       keep ten events of each finding, the slowest and the newest
  manage.py loopwatch_prune --older-than 30d --dry-run
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--older-than", metavar="WHEN", help=f"delete events and thread waits from before this time: {FORMS}"
        )
        parser.add_argument("--keep-events", type=int, metavar="N", help="delete all but N events of each finding")
        parser.add_argument(
            "--batch-size",
            type=int,
            default=BATCH_SIZE,
            metavar="N",
            help=f"rows to delete in one transaction (default: {BATCH_SIZE})",
        )
        parser.add_argument("--dry-run", action="store_true", help="only print how much would be deleted")

    def handle(
        self,
        *_args: Any,
        older_than: str | None,
        keep_events: int | None,
        batch_size: int,
        dry_run: bool,
        database: str | None,
        **_options: Any,
    ) -> None:
        if keep_events is not None and keep_events < 1:
            raise usage_error("--keep-events must be at least 1.")
        if not 1 <= batch_size <= _LARGEST_BATCH:
            raise usage_error(f"--batch-size must be between 1 and {_LARGEST_BATCH}.")
        with self.store(database, for_writing=True) as alias:
            limits = self._limits(older_than, keep_events, alias)
            if dry_run:
                found = _what(count(alias, limits), waits_before(alias, limits.oldest).count())
                print_text(self.stdout, f"{found} would be deleted.")
            else:
                deleted = _what(*self._prune(alias, limits, batch_size))
                print_text(self.stdout, f"{deleted} deleted; all counts of stalls are kept.")

    def _limits(self, older_than: str | None, keep_events: int | None, alias: str) -> Limits:
        """Return the limits of the options or the settings.

        Ages are counted from the earlier of two clocks, because a clock that is ahead would delete too much. The
        settings' age applies only if that clock is plausible.
        """
        now = earlier_time(alias)
        if older_than is None and keep_events is None:
            settings = configuration()
            oldest = now - timedelta(days=settings.events_kept_days)
            if not is_believed(alias, now) and _has_any(alias, Limits(as_stored(oldest))):
                raise usage_error(
                    f"Nothing was stored in the {LONGEST_SILENCE.days} days before {now:%Y-%m-%d}. If the clock is "
                    f"right, confirm with --older-than {oldest:%Y-%m-%d}"
                )
            return Limits(as_stored(oldest), settings.events_per_finding)
        try:
            return Limits(as_stored(parse_since(older_than, now)) if older_than is not None else None, keep_events)
        except ValueError as error:
            raise usage_error(f"--older-than: {error}") from None

    def _prune(self, alias: str, limits: Limits, batch_size: int) -> tuple[int, int]:
        """Prune, and return the numbers of deleted events and of deleted counts of thread waits."""
        events = self._run(prune(alias, limits, batch_size), lambda: count(alias, limits), "events")
        old_waits = waits_before(alias, limits.oldest)
        waits = self._run(prune_waits(alias, limits.oldest, batch_size), old_waits.count, "counts of thread waits")
        return events, waits

    def _run(self, batches: Iterator[int], count_all: Callable[[], int], what: str) -> int:
        """Delete in batches, showing progress on a terminal, and return the number of deleted rows."""
        shows_progress = self.stdout.isatty()
        total = count_all() if shows_progress else 0
        deleted = 0
        for batch in batches:
            deleted += batch
            if shows_progress:
                self.stdout.write(f"\r{deleted:,} of {total:,} {what}", ending="")
                self.stdout.flush()
        if shows_progress and deleted:
            self.stdout.write("")
        return deleted


def _has_any(alias: str, limits: Limits) -> bool:
    return count(alias, limits) > 0 or waits_before(alias, limits.oldest).exists()


def _what(events: int, waits: int) -> str:
    return _counted(events, "event") + (f" and {_counted(waits, 'hourly count')} of thread waits" if waits else "")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
