"""Renders a flame graph as collapsed stacks: one line for each different stack, with its microseconds.

flamegraph.pl, inferno, speedscope and many other tools read this format.
"""

from collections.abc import Iterator

from loopwatch.escaping.terminal import visible
from loopwatch.reporting.flame import FlameFrame, FlameGraph


def render_collapsed(graph: FlameGraph) -> str:
    """Render all lines, each with its line break; an empty graph has none."""
    return "".join(collapsed_lines(graph))


def collapsed_lines(graph: FlameGraph) -> Iterator[str]:
    """Yield the lines, heaviest callers first."""
    for stack, self_ms in graph.stacks():
        yield f"{';'.join(map(_name, stack))} {max(round(self_ms * 1000), 1)}\n"


def _name(frame: FlameFrame) -> str:
    """Replace semicolons, which would end the frame, and line breaks, which would end the stack."""
    return visible(frame.name).replace(";", ":") or "?"
