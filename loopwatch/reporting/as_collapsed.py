"""A flame graph as collapsed stacks: a line for each different stack, its frames, a blank and its microseconds.

What flamegraph.pl, inferno, speedscope and many others read.
"""

from collections.abc import Iterator

from loopwatch.escaping.terminal import visible
from loopwatch.reporting.flame import FlameFrame, FlameGraph


def render_collapsed(graph: FlameGraph) -> str:
    """All the lines, each with its line break; an empty graph has none."""
    return "".join(collapsed_lines(graph))


def collapsed_lines(graph: FlameGraph) -> Iterator[str]:
    """The same line by line, heaviest callers first."""
    for stack, self_ms in graph.stacks():
        yield f"{';'.join(map(_name, stack))} {max(round(self_ms * 1000), 1)}\n"


def _name(frame: FlameFrame) -> str:
    """A semicolon would end the frame, and a line break the stack."""
    return visible(frame.name).replace(";", ":") or "?"
