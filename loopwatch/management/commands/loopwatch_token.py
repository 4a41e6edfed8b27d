"""Prints a token that makes a running site trace the requests that carry it."""

import shlex
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser

from loopwatch.conf import configuration
from loopwatch.management.output import print_text
from loopwatch.management.store_command import CommandWithExamples
from loopwatch.request_tracing.start import HEADER
from loopwatch.request_tracing.trace_token import LONGEST_MS, LONGEST_S, SHORTEST_MS, make_token
from loopwatch.wording.durations import parse_duration_ms

_FORMS = "30s, 10m, 2h or 1d"


class Command(CommandWithExamples):
    help = (
        "Print a request header that makes the running site trace the requests that carry it: their calls are reported "
        "in the response header Server-Timing and in the log. Anyone with the header can use it until it expires."
    )
    examples = """\
examples:
  manage.py loopwatch_token                                          valid for ten minutes
  manage.py loopwatch_token https://shop.example/cart/ --for 1h      with the curl command for that page
  manage.py loopwatch_token --threshold 20                           report only steps of 20 ms or more
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", nargs="?", default="https://example.com/", help="the page to trace")
        parser.add_argument(
            "--for",
            dest="valid_s",
            type=_seconds,
            default="10m",
            metavar="TIME",
            help=f"how long the token is valid: {_FORMS} (default: 10m)",
        )
        parser.add_argument(
            "--threshold",
            dest="threshold_ms",
            type=_milliseconds,
            default="2",
            metavar="MS",
            help="report steps of the request that last at least this many milliseconds (default: 2)",
        )

    def handle(self, *_args: Any, url: str, valid_s: int, threshold_ms: float, **_options: Any) -> None:
        is_off = not configuration().enabled
        header = f"{HEADER}: {make_token(valid_s, threshold_ms)}"
        if is_off:
            self.stderr.write('LOOPWATCH["ENABLED"] is off in these settings: with them, the header has no effect.')
        until = datetime.now(UTC) + timedelta(seconds=valid_s)
        curl = f"curl -sS -D - -o /dev/null -H {shlex.quote(header)} {shlex.quote(url)}"
        valid = f"Valid until {until:%Y-%m-%d %H:%M:%S} UTC, in every process with the same SECRET_KEY."
        print_text(self.stdout, f"{header}\n\n{curl}\n\n{valid}")


def _seconds(value: str) -> int:
    seconds = int((parse_duration_ms(value) or 0.0) / 1000)
    if not 0 < seconds <= LONGEST_S:
        raise ArgumentTypeError(f"{value!r} is not a time of up to 7 days. Examples: {_FORMS}.")
    return seconds


def _milliseconds(value: str) -> float:
    try:
        threshold_ms = float(value)
    except ValueError:
        threshold_ms = 0.0
    if not SHORTEST_MS <= threshold_ms <= LONGEST_MS:
        raise ArgumentTypeError(f"{value!r} is not a number of milliseconds between 1 and 60000.")
    return threshold_ms
