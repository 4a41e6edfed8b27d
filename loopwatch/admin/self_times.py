"""Lists the functions of a flame graph in which the most time was spent, for a table beside it."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from loopwatch.reporting.flame import FlameFrame, FlameGraph, FlameNode

SHOWN = 15


@dataclass(frozen=True, slots=True)
class FrameTime:
    """The self time of a function, and its total: with what it called, recursion counted once."""

    frame: FlameFrame
    self_ms: float
    total_ms: float
    share: float


def self_times(graph: FlameGraph) -> list[FrameTime]:
    """Return the functions with the most self time first."""
    own, total = defaultdict[FlameFrame, float](float), defaultdict[FlameFrame, float](float)
    entered = Counter[FlameFrame]()
    waiting: list[tuple[FlameNode, bool]] = [(node, False) for node in graph.root.children.values()]
    while waiting:
        node, is_left = waiting.pop()
        frame = node.frame
        if is_left:
            entered[frame] -= 1
            continue
        own[frame] += node.self_ms
        total[frame] += 0 if entered[frame] else node.total_ms
        entered[frame] += 1
        waiting.append((node, True))
        waiting += ((child, False) for child in node.children.values())
    most = sorted(own, key=lambda frame: (-own[frame], frame.name))[:SHOWN]
    return [
        FrameTime(frame, own[frame], total[frame], own[frame] / (graph.total_ms or 1.0)) for frame in most if own[frame]
    ]
