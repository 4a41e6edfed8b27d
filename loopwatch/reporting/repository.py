"""Locates findings in the repository that is checked out here, for formats that show them beside the code.

Stored file names are data, not trusted, and relative to ``BASE_DIR``, to an entry of ``sys.path`` or to the packages.
Only files in the repository that were not installed into it have a line there.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from loopwatch.reporting.report import ReportedFinding
from loopwatch.sources.roots import base_directory
from loopwatch.sources.stored import locate, read

_INSTALLED = {"site-packages", "dist-packages"}


class NoRepositoryError(ValueError):
    """The given directory does not exist."""


@dataclass(frozen=True, slots=True)
class RepositoryLine:
    """A line (from 1) of a file, whose path is relative to the repository and has forward slashes."""

    path: str
    lineno: int


class Repository:
    """A directory: by default ``BASE_DIR`` or the nearest one above it with ``.git``, else ``BASE_DIR``."""

    def __init__(self, root: str | None = None) -> None:
        self.root = _given(root) if root else _found()
        self._locate = lru_cache(maxsize=4_096)(locate)
        self._lines = lru_cache(maxsize=64)(_read_lines)

    def find(self, filename: str) -> Path | None:
        """Return the file of a stored name; ``None`` if it is not in the repository, or was installed into it."""
        path = self._locate(filename)
        if path is None or not path.is_relative_to(self.root):
            return None
        return None if _INSTALLED & set(path.relative_to(self.root).parts) else path

    def place(self, finding: ReportedFinding) -> RepositoryLine | None:
        """Return the finding's line as of now; ``None`` if its file is not in the repository."""
        return self.line(finding.filename, finding.lineno, finding.source)

    def line(self, filename: str, lineno: int, source: str) -> RepositoryLine | None:
        """Return a stored line as of now; ``None`` if its file is not in the repository.

        Code moves: if the line no longer contains the source, the nearest line that does is returned.
        """
        path = self.find(filename)
        if path is None:
            return None
        return RepositoryLine(path.relative_to(self.root).as_posix(), _nearest(self._lines(path), lineno, source))

    def lines(self, place: RepositoryLine) -> tuple[str, ...]:
        """Return all lines of the file; none if it cannot be read."""
        return self._lines(self.root / place.path)


def _given(root: str) -> Path:
    path = Path(root)
    if not _is_folder(path):
        raise NoRepositoryError(f"{root!r} is not a directory. Give the one that the repository is checked out in.")
    return path.resolve()


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name that is too long, before Python 3.14; a NUL
        return False


def _found() -> Path:
    base = Path(base_directory() or ".").resolve()
    return next((folder for folder in (base, *base.parents) if (folder / ".git").exists()), base)


def _read_lines(path: Path) -> tuple[str, ...]:
    try:
        return read(path)
    except (OSError, SyntaxError, ValueError):
        return ()


def _nearest(lines: tuple[str, ...], lineno: int, source: str) -> int:
    """Return the line with the call: unchanged, else the nearest with its whole source, or with its beginning."""
    beginning = "".join(source.partition("(")[:2])
    here = max(1, min(lineno, len(lines) or lineno))
    if not beginning or (lines and beginning in lines[here - 1]):
        return here
    for wanted in (source, beginning):
        holding = [number for number, line in enumerate(lines, 1) if wanted in line]
        if holding:
            return min(holding, key=lambda number: abs(number - lineno))
    return here
