"""Merges the sampled stacks of many events into one tree, for flame graphs in any format."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import QuerySet

from loopwatch.models import BlockingEvent
from loopwatch.rows.column import Column
from loopwatch.rows.stacks import StoredFrame, StoredSample, read_stacks

# Stored stacks are not trusted, and code that draws the tree may be recursive.
DEEPEST = 500
MOST_FRAMES = 500_000
"""So many frames are merged within seconds; pages use a lower limit."""


@dataclass(frozen=True, slots=True)
class FlameFrame:
    """A function of a file; samples on different lines of it share a frame.

    ``filename`` is empty for a call that has no Python frame, such as ``time.sleep``.
    """

    name: str
    filename: str
    is_in_app: bool


@dataclass(slots=True)
class FlameNode:
    """A frame below its callers. ``lineno`` is 0 if its samples were on different lines."""

    frame: FlameFrame
    lineno: int
    total_ms: float = 0.0
    self_ms: float = 0.0
    children: dict[FlameFrame, "FlameNode"] = field(default_factory=dict)

    def heaviest_first(self) -> list["FlameNode"]:
        return sorted(self.children.values(), key=lambda node: (-node.total_ms, node.frame.name))


@dataclass(slots=True)
class FlameGraph:
    """A tree of frames. ``root`` is the event loop, and has the time of all samples.

    ``merged`` counts events with a stack, ``without_stack`` those without one, and ``left_out`` those over the limit.
    ``damaged`` events had stacks that could not be read, or only in part.
    """

    root: FlameNode = field(default_factory=lambda: FlameNode(FlameFrame("", "", is_in_app=False), 0))
    merged: int = 0
    without_stack: int = 0
    left_out: int = 0
    damaged: int = 0

    @property
    def total_ms(self) -> float:
        return self.root.total_ms

    def walk(self) -> Iterator[tuple[FlameNode, tuple[FlameNode, ...]]]:
        """Yield every node below the root with its callers, outermost first; callers come before their callees."""
        waiting: list[tuple[FlameNode, tuple[FlameNode, ...]]] = [(self.root, ())]
        while waiting:
            node, callers = waiting.pop()
            if node is not self.root:
                yield node, callers
                callers = (*callers, node)
            waiting += ((child, callers) for child in reversed(node.heaviest_first()))

    def stacks(self) -> Iterator[tuple[tuple[FlameFrame, ...], float]]:
        """Yield every different stack, outermost frame first, with the self time of its last frame."""
        for node, callers in self.walk():
            if node.self_ms > 0:
                yield (*(caller.frame for caller in callers), node.frame), node.self_ms


@dataclass(frozen=True)
class SampledEvent:
    """The part of an event that merging needs: its stored stacks, its innermost call, and its duration."""

    stacks: object
    leaf_name: str
    duration_ms: float

    @cached_property
    def read(self) -> Column[StoredSample]:
        """The readable samples; they are read once."""
        return read_stacks(self.stacks)

    @property
    def samples(self) -> tuple[StoredSample, ...]:
        return self.read.values


def flame_of(events: QuerySet[BlockingEvent], limit: int, most_frames: int = MOST_FRAMES) -> FlameGraph:
    """Merge the first ``limit`` events, by one query that reads only the needed columns."""
    rows = events.values_list("stacks", "leaf_name", "duration_us")[:limit]
    sampled = (SampledEvent(stacks, leaf_name, duration_us / 1000) for stacks, leaf_name, duration_us in rows)
    return merge(sampled, most_frames)


def merge(events: Iterable[SampledEvent], most_frames: int = MOST_FRAMES) -> FlameGraph:
    """Merge the samples of events. If the samples of an event have no duration, its own is used.

    Once there are ``most_frames`` different frames, further events are only counted.
    """
    graph = FlameGraph()
    frames = 0
    for event in events:
        if frames >= most_frames:
            graph.left_out += 1
            continue
        stacks = _weighted(event)
        for stack, weight_ms in stacks:
            _add(graph.root, stack, weight_ms)
            frames += len(stack)
        graph.merged += bool(stacks)
        graph.without_stack += not stacks
        graph.damaged += event.read.is_damaged
    return graph


def _weighted(event: SampledEvent) -> list[tuple[list[StoredFrame], float]]:
    samples = [sample for sample in event.samples if sample.frames]
    if not samples:
        return []
    stacks = [list(sample.frames[:DEEPEST]) for sample in samples]
    weights = [sample.duration_ms for sample in samples]
    if not sum(weights):
        weights[0] = event.duration_ms
    # Only the first stack ended in the event's leaf; the others end in their last frame.
    if event.leaf_name and not any(_is_named(frame, event.leaf_name) for frame in stacks[0]):
        leaf = StoredFrame("", "", event.leaf_name, 0, 0, 0, 0, is_in_app=False, source_line="")
        # Equal frames are one sample, but may have been seen with and without that call, which took the event's time.
        leaf_ms = min(weights[0], event.duration_ms)
        stacks.append([*stacks[0], leaf])
        weights = [weights[0] - leaf_ms, *weights[1:], leaf_ms]
    return [(stack, weight) for stack, weight in zip(stacks, weights, strict=True) if weight > 0]


def _is_named(frame: StoredFrame, name: str) -> bool:
    """Return whether a name denotes a frame's function, possibly by a public path shorter than its module."""
    function = frame.function.replace(".<locals>", "").removesuffix(".__init__").removesuffix(".__new__")
    is_same_package = name.partition(".")[0] == frame.module.partition(".")[0]
    return name == frame.name or (is_same_package and name.endswith(f".{function}"))


def _add(root: FlameNode, stack: list[StoredFrame], weight_ms: float) -> None:
    node = root
    node.total_ms += weight_ms
    for stored in stack:
        frame = FlameFrame(stored.name, stored.filename, stored.is_in_app)
        child = node.children.get(frame)
        if child is None:
            child = node.children[frame] = FlameNode(frame, stored.lineno)
        elif child.lineno != stored.lineno:
            child.lineno = 0
        child.total_ms += weight_ms
        node = child
    node.self_ms += weight_ms
