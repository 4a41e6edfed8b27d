"""The traceback of a failure: in-app frames and the one that makes the blocking call, with libraries between folded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from loopwatch.detection.calls import StackFrame
from loopwatch.escaping.terminal import visible
from loopwatch.sources.running import lines_of
from loopwatch.testing.finding import short_path

MAX_LINES = 8
FOLDED_FROM = 3
"""Fewer frames of libraries in a row are shown."""
MAX_PACKAGES = 4
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class TracebackEntry:
    """Holds one frame of the traceback. ``lines`` are its source lines, with carets under the expression.

    An entry that replaces several frames of libraries has no function.
    """

    lines: tuple[str, ...]
    filename: str = ""
    lineno: int = 0
    function: str = ""


def traceback_entries(frames: Sequence[StackFrame]) -> Iterator[TracebackEntry]:
    """Yield the entries for a stack, outermost first. Its first and last frame are always shown."""
    numbered = enumerate(frames)
    ends = (0, len(frames) - 1)
    for is_shown, run in groupby(numbered, key=lambda each: each[1].is_in_app or each[0] in ends):
        alike = [frame for _, frame in run]
        if is_shown or len(alike) < FOLDED_FROM:
            yield from map(_entry, alike)
        else:
            yield _folded(alike)


def _folded(frames: Sequence[StackFrame]) -> TracebackEntry:
    packages = [name for name in dict.fromkeys(frame.module.partition(".")[0] for frame in frames) if name]
    named = ", ".join(packages[:MAX_PACKAGES]) + (", …" if len(packages) > MAX_PACKAGES else "")
    return TracebackEntry((f"{_INDENT}… {len(frames)} frames{visible(f' of {named}') if named else ''}",))


def _entry(frame: StackFrame) -> TracebackEntry:
    function = visible(frame.function.rpartition(".")[2])
    return TracebackEntry(tuple(_marked(frame)), short_path(frame.filename), frame.lineno, function)


def _marked(frame: StackFrame) -> list[str]:
    """Return the source lines of the expression, with carets if it is only part of one line."""
    last = min(max(frame.end_lineno, frame.lineno), frame.lineno + MAX_LINES - 1)
    source = lines_of(frame.filename)[max(0, frame.lineno - 1) : last]
    lines = [visible(line.replace("\t", " ")) for line in source]
    if not lines:
        return []
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    text = [_INDENT + line[indent:] for line in lines]
    if len(lines) == 1 and frame.end_column > 0:
        begin, end = _characters(lines[0], frame.column), _characters(lines[0], frame.end_column)
        text.append(_INDENT + " " * max(0, begin - indent) + "^" * max(1, end - max(begin, indent)))
    return text


def _characters(line: str, utf8_bytes: int) -> int:
    return len(line.encode(errors="surrogatepass")[:utf8_bytes].decode(errors="ignore"))
