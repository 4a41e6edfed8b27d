"""Turns edits of a source file into the hunks of a unified diff, one for each edit that has lines to itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_CONTEXT_LINES = 3
# An edit's hunk needs a line of context on each side: git takes a hunk that ends without one for the end of the file.
# https://github.com/git/git/blob/v2.50.0/apply.c#L2949
_LINES_BETWEEN = 2
_NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replaces a range by text, as frames locate it: lines from 1, columns from 0 in UTF-8 bytes."""

    lineno: int
    column: int
    end_lineno: int
    end_column: int
    text: str


@dataclass(frozen=True, slots=True)
class _Change:
    """Replaces the lines from ``start`` (from 0) to ``end``, which is not included."""

    start: int
    end: int
    new_lines: tuple[str, ...]

    @property
    def growth(self) -> int:
        return len(self.new_lines) - (self.end - self.start)


def without_overlaps(edits: Sequence[Edit]) -> list[Edit]:
    """Return the edits in order, without duplicates, and without those that overlap an earlier one."""
    kept: list[Edit] = []
    for edit in sorted(set(edits)):
        if not kept or (kept[-1].end_lineno, kept[-1].end_column) <= (edit.lineno, edit.column):
            kept.append(edit)
    return kept


def edited(source: str, edits: Sequence[Edit]) -> str:
    """Return the source with all edits made, none of which overlap."""
    lines = source.split("\n")
    for change in reversed(list(_changes(lines, edits))):
        lines[change.start : change.end] = change.new_lines
    return "\n".join(lines)


def hunks_of(source: str, edits: Sequence[Edit]) -> Iterator[str]:
    """Yield the hunks that make the edits, none of which overlap."""
    lines = source.split("\n")
    changes = list(_changes(lines, edits))
    begin, shift = 0, 0
    for number, change in enumerate(changes, 1):
        end = (change.end + changes[number].start + 1) // 2 if number < len(changes) else _count(lines)
        hunk = _Hunk(max(begin, change.start - _CONTEXT_LINES), min(end, change.end + _CONTEXT_LINES), change, shift)
        yield hunk.text(lines)
        begin, shift = end, shift + change.growth


def _count(lines: Sequence[str]) -> int:
    """Return the number of lines of a text that was split at its line breaks, of which the last line may have one."""
    return len(lines) - (lines[-1] == "")


def _changes(lines: Sequence[str], edits: Sequence[Edit]) -> Iterator[_Change]:
    """Yield the changed lines of the edits, in order; edits close to each other are one change."""
    group: list[Edit] = []
    for edit in edits:
        if group and edit.lineno - 1 - group[-1].end_lineno >= _LINES_BETWEEN:
            yield _change(lines, group)
            group = []
        group.append(edit)
    if group:
        yield _change(lines, group)


def _change(lines: Sequence[str], group: Sequence[Edit]) -> _Change:
    start, end = group[0].lineno - 1, group[-1].end_lineno
    new_lines = list(lines[start:end])
    for edit in reversed(group):
        first, last = edit.lineno - 1 - start, edit.end_lineno - 1 - start
        before = new_lines[first].encode()[: edit.column].decode()
        after = new_lines[last].encode()[edit.end_column :].decode()
        new_lines[first : last + 1] = f"{before}{edit.text}{after}".split("\n")
    while new_lines and start < end and new_lines[-1] == lines[end - 1]:
        end -= 1
        new_lines.pop()
    return _Change(start, end, tuple(new_lines))


@dataclass(frozen=True, slots=True)
class _Hunk:
    """Shows a change within the lines from ``begin`` to ``end``; earlier changes have moved them by ``shift``."""

    begin: int
    end: int
    change: _Change
    shift: int

    def text(self, lines: Sequence[str]) -> str:
        size, change = self.end - self.begin, self.change
        header = f"@@ -{self.begin + 1},{size} +{self.begin + 1 + self.shift},{size + change.growth} @@"
        ends_file = self.end == _count(lines) and lines[-1] != ""
        removed = [f"-{line}" for line in lines[change.start : change.end]]
        added = [f"+{line}" for line in change.new_lines]
        below = [f" {line}" for line in lines[change.end : self.end]]
        if ends_file:
            for part in (below,) if below else (removed, added):
                part.append(_NO_NEWLINE)
        above = [f" {line}" for line in lines[self.begin : change.start]]
        return "\n".join([header, *above, *removed, *added, *below])
