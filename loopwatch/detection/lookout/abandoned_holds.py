"""Reads the hold files of processes that were killed while a thread kept the GIL, and removes them.

Content is not trusted: a file may be torn, come from another version, or be written by somebody else. What cannot be
read is removed and counted. A file that is locked belongs to a process that lives, and is left alone. Reads files.
"""

import errno
import importlib
import json
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from loopwatch.detection.lookout.hold_folder import NAME, open_hold_folder
from loopwatch.detection.lookout.look import Look, LookedFrame
from loopwatch.detection.lookout.looking import HOLD_VERSION, MAX_FRAMES, MAX_HOLD_FILES

LARGEST_FILE = 2_000_000
LONGEST_TEXT = 1_000
LARGEST_INTEGER = 2**31 - 1
LONGEST_S = 10.0**9
_NEVER_OURS = frozenset({errno.ELOOP, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENXIO})
"""Why a symbolic link, a file of another user, a folder or a socket cannot be opened."""
OTHER_OPCODE = -1
"""Stands for an opcode of another Python."""


@dataclass(frozen=True, slots=True)
class AbandonedHold:
    """What was seen last in a process that was killed: a thread had kept the GIL since ``started_at``."""

    process_id: int
    started_at: datetime
    look: Look


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The holds that were found, and how many files could not be read."""

    holds: tuple[AbandonedHold, ...] = ()
    unreadable: int = 0


def take_abandoned_holds(path: str) -> Abandoned:
    """Read and remove the files of processes that have ended. Raises ``OSError`` if the folder cannot be used."""
    if sys.platform != "linux":
        return Abandoned()
    folder = open_hold_folder(path)
    try:
        contents = list(_taken(folder))
    finally:
        os.close(folder)
    holds = tuple(hold for content in contents if (hold := _last_hold(content)) is not None)
    return Abandoned(holds, len(contents) - len(holds))


def _taken(folder: int) -> Iterator[bytes]:
    """Yield the content of each file that is removed; nothing of one that could not be opened as expected."""
    names = sorted(name for name in os.listdir(folder) if NAME.fullmatch(name))
    for name in names[:MAX_HOLD_FILES]:
        content = _content_unless_locked(name, folder)
        if content is not None:
            try:
                os.unlink(name, dir_fd=folder)
            except OSError:  # another process has taken it, or it is a folder
                continue
            yield content


def _content_unless_locked(name: str, folder: int) -> bytes | None:
    """Return the content of a file, or nothing of it if it is no plain file of this user, or too large.

    Returns ``None`` if its process may live, if another one is taking it, or if this process has no descriptor left.
    """
    fcntl = importlib.import_module("fcntl")
    try:
        # NFS locks only files that are open for writing: flock(2).
        file = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        return b"" if error.errno in _NEVER_OURS else None
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # its process lives, or the file system has no locks
            return None
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_size > LARGEST_FILE:
            return b""
        return os.read(file, LARGEST_FILE) if found.st_nlink else None
    except OSError:
        return b""
    finally:
        os.close(file)


def _last_hold(content: bytes) -> AbandonedHold | None:
    """Return the last hold that can be read: the process may have been killed while it wrote."""
    return next((hold for line in reversed(content.splitlines()) if (hold := read_hold(line)) is not None), None)


def read_hold(line: bytes) -> AbandonedHold | None:
    """Return the hold that ``looking.entry_of`` wrote, or ``None`` for anything else."""
    try:
        entry = json.loads(line)
    except (RecursionError, ValueError):
        return None
    match entry:
        case {
            "version": int() as version,
            "python": str() as python,
            "process_id": int() as process_id,
            "thread_id": int() as thread_id,
            "at": int() | float() as at,
            "lasted_s": int() | float() as lasted_s,
            "opcode": int() as opcode,
            "frames": list() as stored,
        } if version == HOLD_VERSION and 0 < len(stored) <= MAX_FRAMES:
            frames = tuple(frame for each in stored if (frame := _frame(each)) is not None)
            if len(frames) < len(stored) or not 0 <= process_id <= LARGEST_INTEGER or not 0 <= lasted_s <= LONGEST_S:
                return None
            opcode = opcode if python == sys.implementation.cache_tag else OTHER_OPCODE
            return _hold(process_id, at, Look(thread_id, 0.0, float(lasted_s), opcode, frames, torn=0))
    return None


def _hold(process_id: int, at: float, look: Look) -> AbandonedHold | None:
    try:
        started_at = datetime.fromtimestamp(at - look.lasted_s, UTC)
    except (OSError, OverflowError, ValueError):
        return None
    return AbandonedHold(process_id, min(started_at, datetime.now(UTC)), look)


def _frame(stored: object) -> LookedFrame | None:
    match stored:
        case [
            str() as filename,
            str() as function,
            int() | None as lineno,
            int() | None as end_lineno,
            int() | None as column,
            int() | None as end_column,
        ]:
            lines_and_columns = (lineno, end_lineno, column, end_column)
            place = [-1 if each is None else each for each in lines_and_columns]
            are_texts_short = len(filename) <= LONGEST_TEXT and len(function) <= LONGEST_TEXT
            if are_texts_short and all(-1 <= each <= LARGEST_INTEGER for each in place):
                return LookedFrame(filename, function, *place)
    return None
