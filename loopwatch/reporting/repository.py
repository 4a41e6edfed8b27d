"""Where a finding lies in the repository that is checked out here, for the formats that put it on its line there.

A stored file name is data: relative to ``BASE_DIR``, to an entry of ``sys.path`` or to the packages. It is looked for
there, and only what lies in the repository, and is not installed into it, has a place.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from loopwatch.reporting.report import ReportedFinding
from loopwatch.sources.stored import locate, read

_INSTALLED = {"site-packages", "dist-packages"}


class NoRepositoryError(ValueError):
    """The directory given does not exist."""


@dataclass(frozen=True, slots=True)
class RepositoryLine:
    """A line (from 1) of a file, whose path is relative to the repository and has forward slashes."""

    path: str
    lineno: int


class Repository:
    """A directory; by default the one that has ``.git``, ``BASE_DIR`` or the nearest above it, else ``BASE_DIR``."""

    def __init__(self, root: str | None = None) -> None:
        self.root = _given(root) if root else _found()
        self._lines = lru_cache(maxsize=64)(_read_lines)

    def place(self, finding: ReportedFinding) -> RepositoryLine | None:
        """Where the finding's line is now; ``None`` where its file is not in the repository.

        Code moves: where the line does not hold the source of the call any more, the nearest one that does is taken.
        """
        path = locate(finding.filename)
        if path is None or not path.is_relative_to(self.root):
            return None
        relative = path.relative_to(self.root)
        if _INSTALLED & set(relative.parts):
            return None
        return RepositoryLine(relative.as_posix(), _nearest(self._lines(path), finding.lineno, finding.source))


def _given(root: str) -> Path:
    path = Path(root)
    if not path.is_dir():
        raise NoRepositoryError(f"{root!r} is not a directory. Give the one that the repository is checked out in.")
    return path.resolve()


def _found() -> Path:
    base = Path(getattr(settings, "BASE_DIR", "") or ".").resolve()
    return next((folder for folder in (base, *base.parents) if (folder / ".git").exists()), base)


def _read_lines(path: Path) -> tuple[str, ...]:
    try:
        return read(path)
    except (OSError, SyntaxError, ValueError):
        return ()


def _nearest(lines: tuple[str, ...], lineno: int, source: str) -> int:
    """The line that has the call: where it was, else the nearest with all of its source, or with its beginning."""
    beginning = "".join(source.partition("(")[:2])
    here = max(1, min(lineno, len(lines) or lineno))
    if not beginning or (lines and beginning in lines[here - 1]):
        return here
    for wanted in (source, beginning):
        holding = [number for number, line in enumerate(lines, 1) if wanted in line]
        if holding:
            return min(holding, key=lambda number: abs(number - lineno))
    return here
