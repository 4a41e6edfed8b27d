"""Renders a flame graph as a file for https://www.speedscope.app, which opens it in the browser without an upload.

The format is speedscope's: one profile of type "sampled"; each different stack is a sample weighted by its time.
"""

from collections.abc import Iterator
from typing import Any

from loopwatch.escaping.json_document import json_document
from loopwatch.reporting.flame import FlameFrame, FlameGraph

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
EXPORTER = "loopwatch"


def render_speedscope(graph: FlameGraph, name: str) -> str:
    """Render the whole file, with ``name`` as its title, escaped to ASCII."""
    indices: dict[FlameFrame, int] = {}
    samples, weights = [], []
    for stack, self_ms in graph.stacks():
        samples.append([indices.setdefault(frame, len(indices)) for frame in stack])
        weights.append(round(self_ms, 3))
    profile = {
        "type": "sampled",
        "name": name,
        "unit": "milliseconds",
        "startValue": 0,
        "endValue": round(sum(weights), 3),
        "samples": samples,
        "weights": weights,
    }
    frames = list(_frames(indices))
    document = {"$schema": SCHEMA, "shared": {"frames": frames}, "profiles": [profile], "name": name}
    return json_document(document | {"activeProfileIndex": 0, "exporter": EXPORTER})


def _frames(indices: dict[FlameFrame, int]) -> Iterator[dict[str, Any]]:
    for frame in indices:
        yield {"name": frame.name, "file": frame.filename} if frame.filename else {"name": frame.name}
