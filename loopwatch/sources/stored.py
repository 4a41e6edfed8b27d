"""Reads the source files that rows name, as they are on this machine now.

A stored file name is untrusted. It is resolved, including symbolic links, to a file under ``BASE_DIR`` or an entry of
``sys.path``. A caller gets the file's lines only if it knows the stored line, and the file still has that line.
"""

import os
import tokenize
from pathlib import Path, PurePath

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loopwatch.detection.cpython.search_path import search_path
from loopwatch.rows.stacks import StoredFrame
from loopwatch.sources.roots import base_directory
from loopwatch.sources.withheld import is_withheld

_LARGEST_FILE = 5_000_000
_LONGEST_STORED_LINE = 199


class UnreadableSourceError(Exception):
    """The file cannot be shown; ``reason`` explains it to the user."""

    def __init__(self, reason: Promise) -> None:
        super().__init__(reason)
        self.reason = reason


class SourceFiles:
    """Caches the files of one page."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[str, ...] | UnreadableSourceError] = {}

    def lines(self, frame: StoredFrame) -> tuple[str, ...]:
        """Return the lines of a frame's file if the frame's line is unchanged. Raises ``UnreadableSourceError``."""
        if frame.filename not in self._read:
            self._read[frame.filename] = _attempt(frame.filename)
        lines = self._read[frame.filename]
        if isinstance(lines, UnreadableSourceError):
            raise lines
        if not frame.source_line:
            raise UnreadableSourceError(
                _("The lines around the call are not shown, because the line of the call was not stored.")
            )
        current = lines[frame.lineno - 1].strip() if 0 < frame.lineno <= len(lines) else ""
        if frame.source_line[:_LONGEST_STORED_LINE] != current[:_LONGEST_STORED_LINE]:
            raise UnreadableSourceError(_("The file has changed since the event: this is the line as it was then."))
        return lines

    def line(self, frame: StoredFrame) -> str:
        """Return the line of a frame, or ``""`` if it is missing or not shown."""
        try:
            return self.lines(frame)[frame.lineno - 1]
        except UnreadableSourceError:
            return ""


def locate(filename: str) -> Path | None:
    """Return the real path of a stored file name, or ``None`` if the path leads out of its root."""
    relative = PurePath(filename)
    if not filename or relative.is_absolute() or ".." in relative.parts:
        return None
    try:
        roots = [Path(root or os.curdir).resolve() for root in (base_directory(), *search_path())]
        found = [(root, (root / relative).resolve()) for root in roots]
        return next((path for root, path in found if path.is_relative_to(root) and path.is_file()), None)
    except (OSError, RuntimeError, ValueError):  # too long, a loop of links, a NUL
        return None


def read(path: Path) -> tuple[str, ...]:
    """Return the lines of a file without line breaks. Raises what opening and decoding raise."""
    if path.stat().st_size > _LARGEST_FILE:
        raise OSError("too large")
    with tokenize.open(path) as file:
        return tuple(line.rstrip("\n") for line in file)


def _attempt(filename: str) -> tuple[str, ...] | UnreadableSourceError:
    path = locate(filename) if filename.endswith((".py", ".pyw")) else None
    if path is None:
        return UnreadableSourceError(_("The file is not on this machine."))
    if is_withheld(str(path)):
        return UnreadableSourceError(_("Settings are not shown, because they may hold secrets."))
    try:
        return read(path)
    except (SyntaxError, UnicodeDecodeError):
        return UnreadableSourceError(_("The file is neither in UTF-8 nor in the encoding it declares."))
    except (OSError, ValueError):
        return UnreadableSourceError(_("The file cannot be read."))
