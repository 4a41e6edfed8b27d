"""Counts the calls that a step is known to have made. It may have made many more, but never fewer.

A trace has counted the calls that it timed. Samples show different calls:

* of a Python function by the marks on its frames (``cpython/frame_marks``). A generator or coroutine has none, because
  it may outlive the step and be resumed, which is no call;
* of a C function, which has no frame, by its caller's mark and variables (``cpython/frame_variables``). Calls between
  which no variable changes look like one: ``while queue: send(queue.pop())``.

If the in-app line makes its call once, it may be that call which makes others in a loop: a template or a serializer
that runs a query for each object. Then those are counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from types import CodeType
from typing import NamedTuple

from loopwatch.detection.cpython.frame_marks import OUTLIVES_STEP
from loopwatch.detection.verdict.attribution import Node, Path
from loopwatch.detection.verdict.culprit import Culprit
from loopwatch.detection.verdict.frameworks import is_of_templates, queries

_NEXT = ".__next__"
"""An iterator is asked for its next item once for each of them, which is not to be saved."""


class _Made(NamedTuple):
    """A call on one of the paths."""

    path: Path
    node: Node


def calls_seen(culprit: Culprit, paths: Sequence[Path], counts: Mapping[object, int]) -> int:
    """Return how many calls the in-app function is known to have made, or its call of the detail, if it made one.

    ``counts`` is what a trace has counted, by the keys of nodes.
    """
    called = [_Made(path, path.nodes[culprit.depth_on(path) + culprit.is_call]) for path in culprit.paths]
    number = _number(called, paths, counts) if culprit.is_call else _number_seen(called)
    return number if number > 1 else detail_calls_seen(culprit, paths, counts)


def detail_calls_seen(culprit: Culprit, paths: Sequence[Path], counts: Mapping[object, int]) -> int:
    """Return how many calls of the detail a library is known to have made for a template or by its queries, or 1."""
    by_function: dict[object, list[_Made]] = defaultdict(list)
    for made in _made_inside(culprit):
        by_function[made.node.key].append(made)
    return max(1, sum(_number(made, paths, counts) for made in by_function.values()))


def _made_inside(culprit: Culprit) -> Iterator[_Made]:
    """Yield the queries that lead to the detail, or what a template calls, by the paths through the detail."""
    for path in culprit.paths:
        called, *inside = path.nodes[culprit.depth_on(path) + culprit.is_call :]
        detail = next((depth for depth, node in enumerate(inside) if node.key == culprit.node.key), None)
        if detail is None or queries(called.site.module):
            continue  # a method of the ORM runs as many queries as it needs
        query = next((node for node in inside[: detail + 1] if queries(node.site.module)), None)
        if query is not None:
            yield _Made(path, query)
        elif any(map(_renders, (called, *inside[:detail]))):
            yield _Made(path, inside[detail])


def _renders(node: Node) -> bool:
    return is_of_templates(node.site.module) and not node.is_c


def _number(made: Sequence[_Made], paths: Iterable[Path], counts: Mapping[object, int]) -> int:
    """Return how often a call was made, as far as the samples show or, if nothing else made it, the trace says."""
    node = made[0].node
    if node.name.endswith(_NEXT):
        return 1
    number = max(_number_seen(made), sum(path.timed for path, node in made if node is path.nodes[-1]))
    if not node.is_c and node.site.code.co_flags & OUTLIVES_STEP:
        return number
    alike = sum(each.key == node.key and not _only_wraps(each) for path in paths for each in path.nodes)
    return max(number, counts.get(node.name if node.is_c else node.key, 0)) if alike <= len(made) else number


def _only_wraps(node: Node) -> bool:
    """Return whether a node is the wrapper of a decorator, which has the key of the function that it called."""
    return isinstance(node.key, CodeType) and node.site.code is not node.key


def _number_seen(made: Sequence[_Made]) -> int:
    certain = [each for each in made if each.node.is_exact or not each.node.is_c]
    marks = {each.node.site.mark for each in certain} - {None}
    return max(1, len(marks), _number_by_variables(certain))


def _number_by_variables(made: Iterable[_Made]) -> int:
    """Return how many calls of C functions the variables tell from one another, among calls at the same depth.

    The frame of a call may be found again inside that call, if it is recursive, but only at another depth.
    """
    at_depth: dict[int, list[tuple[int | None, tuple[int, ...]]]] = defaultdict(list)
    for path, node in sorted(made, key=lambda each: each.path.sample.taken_at):
        seen = path.sample
        if node.is_c and seen.variables is not None and node.site is seen.sites[0]:
            at_depth[len(seen.sites)].append((node.site.mark, seen.variables))
    return sum(1 for calls in at_depth.values() for _ in groupby(calls))
