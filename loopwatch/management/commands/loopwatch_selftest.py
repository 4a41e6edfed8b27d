"""Makes a stall in the command's own process, and looks for it in the store: proves that loopwatch works here."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from loopwatch.conf import configuration
from loopwatch.management.output import print_text
from loopwatch.management.store_command import StoreCommand
from loopwatch.models import BlockingEvent
from loopwatch.programs import recording
from loopwatch.stored_time import as_stored
from loopwatch.wording.durations import human_duration

NAME = "loopwatch_selftest"
_SHORTEST_S = 0.1


async def _sleep_on_the_loop(seconds: float) -> None:
    time.sleep(seconds)  # noqa: ASYNC251 - the mistake that loopwatch is to find


class Command(StoreCommand):
    help = (
        "Block an event loop of this process for twice THRESHOLD_MS, and look for the stall in the database. "
        "The site is not touched. The finding stays, for you to see; delete it in the admin. "
        "If it is new, it causes an alert."
    )
    examples = """\
examples:
  manage.py loopwatch_selftest
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """Leave out ``--database``: the stall can only be where the settings have it written."""

    def handle(self, **_options: Any) -> None:
        seconds = max(2 * configuration().threshold_ms / 1000, _SHORTEST_S)
        with self.store(None, for_writing=True) as alias:  # a replica may not have it yet
            begun = datetime.now(UTC)
            with recording(name=NAME):
                asyncio.run(_sleep_on_the_loop(seconds))
            stored = BlockingEvent.objects.using(alias).filter(route=NAME, started_at__gte=as_stored(begun))
            event = stored.order_by("pk").first()
        if event is None:
            raise CommandError(
                "The stall was not stored. If loopwatch could not record, the log says why. Otherwise ENABLED, SINKS, "
                "paths or REDACT in the settings keep it out."
            )
        print_text(
            self.stdout,
            f"It works: a stall of {human_duration(event.duration_ms)} in this process was detected and stored. "
            f"It is finding {event.finding_id} in the admin.",
        )
