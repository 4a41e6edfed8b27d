"""Reads lines of the code that runs in this process. Reads files: not for the loop's thread."""

import linecache
from dataclasses import replace

from loopwatch.detection.calls import BlockingCall
from loopwatch.sources.withheld import is_withheld


def lines_of(filename: str) -> list[str]:
    """The lines of a file without their ends; none where there is no source, or it may not be shown."""
    return [] if is_withheld(filename) else [line.rstrip("\n") for line in linecache.getlines(filename)]


def line_of(filename: str, lineno: int) -> str:
    """One line without its end, empty like ``lines_of``."""
    return "" if is_withheld(filename) else linecache.getline(filename, lineno).rstrip("\n")


def expression_of(filename: str, source: str) -> str:
    """The text of an expression in a file, empty where it may not be shown."""
    return "" if is_withheld(filename) else source


def without_secrets(call: BlockingCall) -> BlockingCall:
    """The call without the text of its expression, where that may not be shown."""
    source = expression_of(call.filename, call.source)
    return call if source == call.source else replace(call, source=source)
