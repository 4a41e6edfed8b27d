"""Exports the flame graph of events in the requested format."""

from typing import Any, Final

from django.http import Http404, HttpResponse, JsonResponse

from loopwatch.admin.exports.streaming import file_response
from loopwatch.reporting.as_collapsed import render_collapsed
from loopwatch.reporting.as_speedscope import render_speedscope
from loopwatch.reporting.flame import FlameFrame, FlameGraph, FlameNode

FILES: Final = ("speedscope", "collapsed")
DRAWING: Final = "drawing"
"""The format of the page's own script."""
# The share of the width that is less than a pixel on any screen.
SMALLEST_SHARE = 1 / 10_000


def flame_response(
    graph: FlameGraph, file_format: str, *, name: str, title: str, before: FlameGraph | None = None
) -> HttpResponse:
    """Return the graph as a file named after ``name``; a drawing compares it with the graph ``before``.

    Raises ``Http404`` for an unknown format.
    """
    match file_format:
        case "drawing":
            return JsonResponse(drawing_of(graph, before))
        case "speedscope":
            text = render_speedscope(graph, f"{title} ({graph.merged} events)")
            return file_response(text, filename=f"{name}.speedscope.json", content_type="application/json")
        case "collapsed":
            return file_response(render_collapsed(graph), filename=f"{name}.collapsed.txt", content_type="text/plain")
    raise Http404(f"Unknown format {file_format!r} of a flame graph.")


def drawing_of(graph: FlameGraph, before: FlameGraph | None = None) -> dict[str, Any]:
    """Return the graph for the page's script.

    ``frames`` are ``[name, file, is_in_app]``; ``nodes`` are ``[frame, parent, line, total_ms, self_ms]``. A frame is
    an index into ``frames``, a parent a smaller index into ``nodes`` or -1. Siblings come heaviest first. ``hidden``
    counts the nodes that are too small to be drawn. In a comparison, a node ends with its share of the time before.
    """
    shares = _shares(before) if before else None
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
        numbers = _numbers(node, indices.setdefault(node.frame, len(indices)), parent)
        path = tuple(caller.frame for caller in (*callers, node)) if shares is not None else ()
        nodes.append(numbers if shares is None else [*numbers, round(shares.get(path, 0.0), 4)])
    frames = [[frame.name, frame.filename, int(frame.is_in_app)] for frame in indices]
    return {"total_ms": round(graph.total_ms, 3), "frames": frames, "nodes": nodes, "hidden": hidden}


def _shares(graph: FlameGraph) -> dict[tuple[FlameFrame, ...], float]:
    """Return the share of the time of each path of frames."""
    total_ms = graph.total_ms or 1.0
    return {
        tuple(caller.frame for caller in (*callers, node)): node.total_ms / total_ms for node, callers in graph.walk()
    }


def _numbers(node: FlameNode, frame: int, parent: int) -> list[int | float]:
    return [frame, parent, node.lineno, round(node.total_ms, 3), round(node.self_ms, 3)]
