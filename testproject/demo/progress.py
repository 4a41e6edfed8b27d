"""What the demo shows while traffic runs: one line that changes on a terminal, a line now and then in a pipe."""

import asyncio
import shutil
import sys
from time import monotonic

from testproject.demo.traffic import Tally

BAR_WIDTH = 24
TERMINAL_EVERY_S = 0.2
PIPE_EVERY_S = 5.0


async def show_progress(tally: Tally, seconds: float) -> None:
    """Show how the traffic goes until cancelled."""
    on_terminal = sys.stdout.isatty()
    started = monotonic()
    try:
        while True:
            show_line(progress_line(tally, monotonic() - started, seconds), on_terminal)
            await asyncio.sleep(TERMINAL_EVERY_S if on_terminal else PIPE_EVERY_S)
    finally:
        show_line(progress_line(tally, monotonic() - started, seconds), on_terminal)
        if on_terminal:
            print()


def show_line(line: str, on_terminal: bool) -> None:
    if on_terminal:
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:width]:<{width}}", end="", flush=True)
    else:
        print(line, flush=True)


def progress_line(tally: Tally, elapsed_s: float, seconds: float) -> str:
    done = min(1.0, elapsed_s / seconds)
    bar = "#" * round(done * BAR_WIDTH)
    return (
        f"[{bar:<{BAR_WIDTH}}] {elapsed_s:3.0f}/{seconds:.0f} s  {tally.pages} pages, {tally.messages} chat messages,"
        f" {tally.mistakes} mistakes, {tally.twins} corrected, longest wait {tally.longest_wait_s * 1000:.0f} ms"
    )
