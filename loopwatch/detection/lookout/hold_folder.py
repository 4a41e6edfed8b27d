"""Opens the folder of the hold files, in which lookouts note what keeps the GIL. On Linux."""

import contextlib
import os
import re

NAME = re.compile(r"hold-\d+-[0-9a-f]{8}\.jsonl")
"""The name of a hold file. Nothing else in the folder is touched."""
_WRITABLE_BY_OTHERS = 0o022


def open_hold_folder(path: str) -> int:
    """Open the folder, which is made if it is missing. Returns its descriptor.

    Raises ``OSError`` with the reason if it cannot be used, or if another user could write to it: what is found there
    is stored as this site's own.
    """
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)  # noqa: PTH102 - the only step that has a path; the others have the descriptor
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _check(folder, path)
    except OSError:
        os.close(folder)
        raise
    return folder


def _check(folder: int, path: str) -> None:
    found = os.fstat(folder)
    if found.st_uid != os.geteuid():
        raise PermissionError(f"the folder {path} belongs to another user")
    if found.st_mode & _WRITABLE_BY_OTHERS:
        raise PermissionError(f"other users may write to the folder {path}")
    if not os.access(".", os.W_OK, dir_fd=folder):
        raise PermissionError(f"the folder {path} cannot be written to")
