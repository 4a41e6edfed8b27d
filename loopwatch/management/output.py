"""Writes a command's text to standard output, to a file, or repeatedly to a terminal."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import OutputWrapper

from loopwatch.management.usage_error import usage_error

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"  # the alternate screen, no cursor, no wrapping
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def print_text(stdout: OutputWrapper, text: str) -> None:
    """Print the text unless it is empty, escaping characters that the encoding lacks.

    Does nothing if its reader has left, and raises ``CommandError`` if it cannot be written.
    """
    try:
        if text:
            stdout.write(_encodable(stdout, text))
        stdout.flush()
    except OSError as error:
        # As the Python documentation advises for SIGPIPE: keep the interpreter from flushing the rest when it exits.
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise usage_error(f"Cannot write to standard output: {error}") from None


def write_file(path: Path, text: str) -> None:
    """Write the text in UTF-8, ending with a line break unless it is empty. Raises ``OSError``."""
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.write(text if not text or text.endswith("\n") else f"{text}\n")


def show_repeatedly(stdout: OutputWrapper, text: Callable[[], str], interval_s: float) -> None:
    """Redraw the terminal with the current text every ``interval_s`` seconds, until Ctrl-C or SIGTERM.

    New lines overwrite the old ones, so nothing flickers. The previous content of the terminal is restored at the end.
    """
    with _screen(stdout):
        while True:
            lines = _fitting(_encodable(stdout, text()).splitlines(), shutil.get_terminal_size().lines)
            stdout.write(_HOME + _erased_first(lines), ending="")
            stdout.flush()
            time.sleep(interval_s)


def _encodable(stdout: OutputWrapper, text: str) -> str:
    encoding = getattr(stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _erased_first(lines: list[str]) -> str:
    """Return the lines, each after the sequence that erases its place; the last one also erases all lines below.

    After a line as wide as the terminal, the cursor is still on its last character, which erasing would delete.
    """
    *upper, last = lines or [""]
    return "".join(f"{_END_OF_LINE}{line}\r\n" for line in upper) + _BELOW + last


def _fitting(lines: list[str], height: int) -> list[str]:
    if len(lines) <= height:
        return lines
    kept = max(height - 1, 1)
    return [*lines[:kept], f"({len(lines) - kept} more lines)"][:height]


@contextmanager
def _screen(stdout: OutputWrapper) -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    stdout.write(_ENTER, ending="")
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        stdout.write(_LEAVE, ending="")
        stdout.flush()
        signal.signal(signal.SIGTERM, before)
