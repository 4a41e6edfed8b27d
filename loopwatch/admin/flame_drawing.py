"""A flame graph as the numbers that the page's script draws."""

from typing import Any

from loopwatch.reporting.flame import FlameFrame, FlameGraph, FlameNode

# Of the whole width: less than a pixel on any screen.
SMALLEST_SHARE = 1 / 10_000


def drawing_of(graph: FlameGraph) -> dict[str, Any]:
    """``frames`` are ``[name, file, is_own]``; ``nodes`` are ``[frame, parent, line, total_ms, self_ms]``.

    A frame is an index into ``frames``, a parent an index into ``nodes`` before its own, or -1. Siblings come heaviest
    first. ``hidden`` counts the nodes that are too small to be drawn.
    """
    indices: dict[FlameFrame, int] = {}
    positions: dict[int, int] = {}
    nodes: list[list[int | float]] = []
    hidden = 0
    for node, callers in graph.walk():
        if node.total_ms < SMALLEST_SHARE * graph.total_ms:
            hidden += 1
            continue
        parent = positions[id(callers[-1])] if callers else -1
        positions[id(node)] = len(nodes)
        nodes.append(_numbers(node, indices.setdefault(node.frame, len(indices)), parent))
    frames = [[frame.name, frame.filename, int(frame.is_own)] for frame in indices]
    return {"total_ms": round(graph.total_ms, 3), "frames": frames, "nodes": nodes, "hidden": hidden}


def _numbers(node: FlameNode, frame: int, parent: int) -> list[int | float]:
    return [frame, parent, node.lineno, round(node.total_ms, 3), round(node.self_ms, 3)]
