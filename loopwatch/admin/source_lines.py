"""Lines of source files as they are on this machine now, with the expression of a frame marked.

A stored file name is data. It is only ever looked for under ``BASE_DIR`` and the entries of ``sys.path``, and only
Python source is opened.
"""

import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path, PurePath

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loopwatch.recording.stacks import StoredFrame

_LARGEST_FILE = 5_000_000
_LARGEST_CALL = 12
_AROUND = 4
_LONGEST_STORED_LINE = 199


class UnreadableSourceError(Exception):
    """The file cannot be shown; ``reason`` says why, to the reader of the page."""

    def __init__(self, reason: Promise) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line, split where the expression begins and ends in it; ``marked`` is empty where it does not reach."""

    lineno: int
    before: str
    marked: str = ""
    after: str = ""
    is_call: bool = False


class SourceFiles:
    """Reads each file once, for as long as the page is made."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[str, ...] | UnreadableSourceError] = {}

    def lines(self, filename: str) -> tuple[str, ...]:
        """The lines of a stored file name. Raises ``UnreadableSourceError``."""
        if filename not in self._read:
            self._read[filename] = _attempt(filename)
        lines = self._read[filename]
        if isinstance(lines, UnreadableSourceError):
            raise lines
        return lines

    def line(self, frame: StoredFrame) -> str:
        """The line of a frame, empty if it is not there."""
        try:
            lines = self.lines(frame.filename)
        except UnreadableSourceError:
            return ""
        return lines[frame.lineno - 1] if 0 < frame.lineno <= len(lines) else ""


def excerpt(lines: tuple[str, ...], frame: StoredFrame) -> list[SourceLine]:
    """The lines around a frame's expression, which is marked where its columns are known."""
    last = _last_line(frame)
    first_shown, last_shown = max(frame.lineno - _AROUND, 1), min(last + _AROUND, len(lines))
    return [mark(lines[number - 1], number, frame) for number in range(first_shown, last_shown + 1)]


def mark(line: str, number: int, frame: StoredFrame) -> SourceLine:
    """Split a line at the columns of the frame's expression, which count UTF-8 bytes."""
    is_call = frame.lineno <= number <= _last_line(frame)
    if not is_call or not frame.end_column:
        return SourceLine(number, before=line, is_call=is_call)
    encoded = line.encode(errors="surrogatepass")
    indent = len(encoded) - len(encoded.lstrip())
    begin = frame.column if number == frame.lineno else indent
    end = frame.end_column if number == max(frame.end_lineno, frame.lineno) else len(encoded)
    before, marked, after = (
        part.decode(errors="ignore") for part in (encoded[:begin], encoded[begin:end], encoded[end:])
    )
    return SourceLine(number, before, marked, after, is_call=True)


def mark_text(line: str, number: int, expression: str) -> SourceLine:
    """Mark an expression in a line of which only the text was kept, not the indentation that columns count from."""
    before, found, after = line.partition(expression) if expression else (line, "", "")
    return SourceLine(number, before, found, after, is_call=True)


def is_same(stored: str, current: str) -> bool:
    """Whether the line is still what was stored, of which long lines keep only the beginning; unknown counts as yes."""
    return not stored or stored[:_LONGEST_STORED_LINE] == current.strip()[:_LONGEST_STORED_LINE]


def _last_line(frame: StoredFrame) -> int:
    return min(max(frame.end_lineno, frame.lineno), frame.lineno + _LARGEST_CALL)


def _attempt(filename: str) -> tuple[str, ...] | UnreadableSourceError:
    try:
        path = _locate(filename)
        if path is None:
            return UnreadableSourceError(_("The file is not on this machine (any more)."))
        with tokenize.open(path) as file:
            return tuple(line.rstrip("\n") for line in file)
    except (SyntaxError, UnicodeDecodeError):
        return UnreadableSourceError(_("The file is not UTF-8, nor in an encoding that it declares."))
    except (OSError, ValueError):
        return UnreadableSourceError(_("The file cannot be read."))


def _locate(filename: str) -> Path | None:
    relative = PurePath(filename)
    if relative.suffix not in (".py", ".pyw") or relative.is_absolute() or ".." in relative.parts:
        return None
    roots = (getattr(settings, "BASE_DIR", ""), *sys.path)
    candidates = (Path(root) / relative for root in roots if root)
    return next((path for path in candidates if path.is_file() and path.stat().st_size <= _LARGEST_FILE), None)
