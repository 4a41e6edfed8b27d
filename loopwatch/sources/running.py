"""Reads lines of the code that runs in this process. Not for the loop's thread, as it reads files."""

from dataclasses import replace

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.cpython.source import source_lines
from loopwatch.sources.withheld import is_withheld


def lines_of(filename: str) -> list[str]:
    """Return the lines of a file without line breaks, or none if there is no source or it is withheld."""
    return [] if is_withheld(filename) else [line.rstrip("\n") for line in source_lines(filename)]


def line_of(filename: str, lineno: int) -> str:
    """Return one line without its line break, or ``""`` where ``lines_of`` returns none."""
    line = [] if is_withheld(filename) or lineno < 1 else source_lines(filename)[lineno - 1 : lineno]
    return "".join(line).rstrip("\n")


def expression_of(filename: str, source: str) -> str:
    """Return the text of an expression in a file, or ``""`` if the file is withheld."""
    return "" if is_withheld(filename) else source


def without_secrets(call: BlockingCall) -> BlockingCall:
    """Return the call, without the text of its expression if the file is withheld."""
    source = expression_of(call.filename, call.source)
    return call if source == call.source else replace(call, source=source)
