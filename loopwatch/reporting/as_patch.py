"""Renders the rewritten calls of findings as a unified diff, which ``git apply`` takes.

A finding has no rewriting if none is certain, if its line has changed since, or if its file is not in the repository.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loopwatch.advice.import_place import import_place
from loopwatch.models import BlockingEvent
from loopwatch.reporting.event_cure import advice_on, call_rewritten, culprit_frame
from loopwatch.reporting.report import Report
from loopwatch.reporting.repository import Repository
from loopwatch.reporting.source_edits import Edit, edited, hunks_of, without_overlaps
from loopwatch.rows.stacks import read_stacks
from loopwatch.sources.stored import SourceFiles, UnreadableSourceError


@dataclass(frozen=True, slots=True)
class Patch:
    """Holds the diff, and how many findings it rewrites."""

    text: str = ""
    findings: int = 0


@dataclass(frozen=True, slots=True)
class _Rewritten:
    """Holds the edit of one finding's call, the lines of its file, and the import that it needs."""

    path: Path
    lines: tuple[str, ...]
    edit: Edit
    needs: str


def render_patch(report: Report, events: Mapping[str, BlockingEvent], repository: Repository) -> Patch:
    """Render the diff of the findings' files, from an event with a stack of each, by fingerprint."""
    files = SourceFiles()
    by_path: dict[Path, list[_Rewritten]] = {}
    for event in (events[each.fingerprint] for each in report.findings if each.fingerprint in events):
        if each := _rewritten(event, files, repository):
            by_path.setdefault(each.path, []).append(each)
    patches = [_of_file(path, each, repository.root) for path, each in sorted(by_path.items())]
    return Patch("".join(each.text for each in patches), sum(each.findings for each in patches))


def _rewritten(event: BlockingEvent, files: SourceFiles, repository: Repository) -> _Rewritten | None:
    samples = read_stacks(event.stacks).values
    frame = culprit_frame(event, samples[0].frames if samples else ())
    path = repository.find(frame.filename)
    if path is None:
        return None
    try:
        lines = files.lines(frame)
    except UnreadableSourceError:
        return None
    rewriting = call_rewritten(event, frame, lines, advice_on(event, event.cause))
    if rewriting is None:
        return None
    edit = Edit(frame.lineno, frame.column, frame.end_lineno, frame.end_column, rewriting.changed)
    return _Rewritten(path, lines, edit, rewriting.needs)


def _of_file(path: Path, rewritten: Sequence[_Rewritten], root: Path) -> Patch:
    source, name = _source_of(path), path.relative_to(root).as_posix()
    calls = without_overlaps([each.edit for each in rewritten])
    is_as_read = all("\n".join(each.lines) == source.removesuffix("\n") for each in rewritten)
    if not is_as_read or not name.isprintable() or set(name) & set('"\\'):
        return Patch()
    edits = sorted([*_imports(source, {each.needs for each in rewritten if each.edit in calls}), *calls])
    if not _compiles(edited(source, edits)):
        return Patch()
    header = f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n"
    text = header + "".join(f"{hunk}\n" for hunk in hunks_of(source, edits))
    return Patch(text, sum(each.edit in calls for each in rewritten))


def _source_of(path: Path) -> str:
    """Return the file's bytes as the UTF-8 that a patch is written in; ``""`` if they are not."""
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return ""


def _imports(source: str, needed: set[str]) -> Iterator[Edit]:
    for statement in filter(None, needed):
        place = import_place(source, statement)
        text = "\n" * place.blank_before + f"{statement}\n" + "\n" * place.blank_after
        yield Edit(place.lineno, 0, place.lineno, 0, text)


def _compiles(source: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "<patched>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
