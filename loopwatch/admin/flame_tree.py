"""Turns a flame graph into nested lists: its text alternative, and the stack of a single event.

A chain of frames without branches is one item, so that a deep stack is not a deep list.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, islice

from loopwatch.admin.self_times import FrameTime, self_times
from loopwatch.reporting.flame import FlameFrame, FlameGraph, FlameNode

SMALLEST_SHARE = 0.005
MOST_BRANCHES, MOST_FRAMES = 300, 2_000
DEEPEST_NESTING = 40
_NAMES = 3
_OPEN = 3


@dataclass(frozen=True, slots=True)
class Run:
    """Holds adjacent frames that are all in-app, or all not."""

    is_in_app: bool
    nodes: list[FlameNode]

    @property
    def packages(self) -> str:
        names = dict.fromkeys(node.frame.name.partition(".")[0] for node in self.nodes)
        return ", ".join(list(names)[:4]) + (", …" if len(names) > 4 else "")


@dataclass(frozen=True, slots=True)
class Branch:
    """Holds a chain of frames, or ``left_out`` small branches without frames; ``closes`` lists end after it."""

    nodes: list[FlameNode]
    total_ms: float
    share: float
    depth: int
    has_branches: bool = False
    left_out: int = 0
    closes: int = 0

    @property
    def percent(self) -> int:
        return round(self.share * 100)

    @property
    def closing(self) -> range:
        """A range of as many items as lists end, because a template can only iterate."""
        return range(self.closes)

    @property
    def is_leaf(self) -> bool:
        """Whether the branch fits on one line."""
        return len(self.nodes) == 1 and not self.has_branches

    @property
    def is_open(self) -> bool:
        return self.depth < _OPEN

    @property
    def runs(self) -> list[Run]:
        return [
            Run(is_in_app, list(nodes))
            for is_in_app, nodes in groupby(self.nodes, key=lambda node: node.frame.is_in_app)
        ]

    @property
    def names(self) -> list[str]:
        """The in-app functions of the chain and its last frame, or else its first and last frame."""
        own = [node.frame for node in self.nodes if node.frame.is_in_app]
        ends = [self.nodes[0].frame, self.nodes[-1].frame]
        return _distinct([*own[-_NAMES:], ends[1]] if own else ends)


@dataclass(frozen=True, slots=True)
class FlameTree:
    """Holds the branches in reading order, heaviest first, and the functions with the most self time.

    ``is_cut`` says that the tree is truncated.
    """

    branches: list[Branch]
    is_cut: bool
    times: list[FrameTime]


def tree_of(graph: FlameGraph) -> FlameTree:
    """Build a tree of bounded size from any graph."""
    every = _branches(graph.root, graph.total_ms or 1.0, 0)
    branches = list(_first(every))
    following = [branch.depth for branch in branches[1:]] + [0]
    closed = [
        replace(branch, closes=branch.depth + branch.has_branches - depth)
        for branch, depth in zip(branches, following, strict=False)
    ]
    return FlameTree(closed, is_cut=next(every, None) is not None, times=self_times(graph))


def _first(branches: Iterator[Branch]) -> Iterator[Branch]:
    frames = 0
    for branch in islice(branches, MOST_BRANCHES):
        yield branch
        frames += len(branch.nodes)
        if frames >= MOST_FRAMES:
            return


def _distinct(frames: list[FlameFrame]) -> list[str]:
    return list(dict.fromkeys(frame.name for frame in frames))


def _branches(parent: FlameNode, total_ms: float, depth: int) -> Iterator[Branch]:
    large = [node for node in parent.heaviest_first() if node.total_ms >= SMALLEST_SHARE * total_ms]
    if depth >= DEEPEST_NESTING:
        large = []
    for node in large:
        chain = _chain(node)
        end = chain[-1]
        yield Branch(chain, node.total_ms, node.total_ms / total_ms, depth, has_branches=bool(end.children))
        yield from _branches(end, total_ms, depth + 1)
    small_ms = sum(node.total_ms for node in parent.children.values()) - sum(node.total_ms for node in large)
    if left_out := len(parent.children) - len(large):
        yield Branch([], small_ms, small_ms / total_ms, depth, left_out=left_out)


def _chain(node: FlameNode) -> list[FlameNode]:
    chain = [node]
    while len(node.children) == 1 and not node.self_ms:
        (node,) = node.children.values()
        chain.append(node)
    return chain
