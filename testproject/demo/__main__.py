"""The demo: ``python -m testproject.demo`` (see ``--help``), which ``make demo`` runs in its own environment."""

import argparse
import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path

from testproject.demo.ports import first_free, is_free
from testproject.demo.processes import ChildError
from testproject.demo.shop import ROOT
from testproject.demo.show import Show

DEFAULT_PORT = 8000
FAILED, WRONG_USAGE = 1, 2


def main() -> int:
    options = parse_options()
    port = choose_port(options.port)
    if port is None:
        return WRONG_USAGE
    show = Show(options.data, port, options.seconds, exits=options.exit)
    try:
        return asyncio.run(until_signal(show))
    except ChildError as error:
        print(f"\nThe demo cannot go on: {error}", file=sys.stderr)
        return FAILED


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make demo ARGS=…", description="Serve the bookshop, send it traffic, report what blocked its event loop."
    )
    parser.add_argument("--exit", action="store_true", help="end after the report: 0 if it is as it should be, else 1")
    parser.add_argument("--seconds", type=seconds, default=20.0, metavar="N", help="of traffic (default: 20)")
    parser.add_argument("--port", type=port_number, metavar="N", help=f"of the site (default: {DEFAULT_PORT}, if free)")
    parser.add_argument("--data", type=Path, default=ROOT / ".demo", metavar="DIR", help="for files (default: .demo)")
    return parser.parse_args()


def seconds(text: str) -> float:
    if not 1 <= float(text) <= 3600:
        raise argparse.ArgumentTypeError("choose from 1 to 3600")
    return float(text)


def port_number(text: str) -> int:
    if not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("choose from 1 to 65535")
    return int(text)


def choose_port(wanted: int | None) -> int | None:
    """The port to serve on; ``None``, and a word why, if there is none."""
    if wanted and is_free(wanted):
        return wanted
    if wanted:
        print(f"Port {wanted} cannot be used: taken, or not allowed. Choose another with --port.", file=sys.stderr)
        return None
    port = first_free(DEFAULT_PORT)
    if port is None:
        print(f"Port {DEFAULT_PORT} and the next ones are all taken. Choose one with --port.", file=sys.stderr)
    elif port != DEFAULT_PORT:
        print(f"Port {DEFAULT_PORT} is taken; the site is served on port {port} instead.")
    return port


async def until_signal(show: Show) -> int:
    """Run the show until it ends or a signal ends it; its children are gone either way."""
    loop = asyncio.get_running_loop()
    running = loop.create_task(show.run())
    received: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        # Only once: a second Ctrl-C must not keep the children from being stopped.
        if not received:
            received.append(number)
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end, number)
    with suppress(asyncio.CancelledError):
        return await running
    print("\nStopped.")
    return show.outcome if show.outcome is not None else 128 + received[0]


if __name__ == "__main__":
    sys.exit(main())
