"""Divides a step among the functions and places that its time went to."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from loopwatch.detection.calls import Contribution
from loopwatch.detection.verdict.attribution import Node, Path
from loopwatch.detection.verdict.culprit import line_of, named_on, own_nodes

MAX_CONTRIBUTIONS = 10
AUTOMATIC_COLLECTION = "gc.collect (automatic)"


class _Spent(NamedTuple):
    """A function, and where in-app code called it: ``lineno`` is 0 if the function is in-app itself."""

    name: str
    function: str
    lineno: int


def contributions_of(paths: Sequence[Path], counts: Mapping[object, int]) -> tuple[Contribution, ...]:
    """Return the heaviest parts of the step. The same call made in two places is two of them."""
    own_s: dict[_Spent, float] = defaultdict(float)
    total_s: dict[_Spent, float] = defaultdict(float)
    keys: dict[str, object] = {}
    for path in paths:
        if not path.nodes:
            continue
        spent_at = list(_spent(path.nodes))
        detail = named_on(path.nodes, len(path.nodes) - 1).detail
        spent, entry = spent_at[detail], path.nodes[detail]
        own_s[spent] += path.weight_s
        keys[spent.name] = entry.name if entry.is_c else entry.key
        for spent in set(spent_at):
            total_s[spent] += path.weight_s
    # Calls are counted wherever they were made, so the count says nothing about one of several places.
    places = Counter(spent.name for spent in own_s)
    return tuple(
        Contribution(
            spent.name,
            own_s[spent] * 1000,
            counts.get(keys[spent.name]) if places[spent.name] == 1 else None,
            total_s[spent] * 1000,
            spent.function,
            spent.lineno,
        )
        for spent in sorted(own_s, key=lambda spent: -own_s[spent])[:MAX_CONTRIBUTIONS]
    )


def beside_collection(others: Iterable[Contribution], automatic_s: float) -> tuple[Contribution, ...]:
    """Return the heaviest of the collector and the other contributions."""
    collected = Contribution(AUTOMATIC_COLLECTION, automatic_s * 1000, total_ms=automatic_s * 1000)
    return tuple(sorted((collected, *others), key=lambda each: -each.own_ms)[:MAX_CONTRIBUTIONS])


def _spent(nodes: Sequence[Node]) -> Iterator[_Spent]:
    """Yield what the time of each node on a path is spent on."""
    lineno_at = cache(lambda depth: line_of(nodes[depth]))  # hundreds of a library's nodes may have the same caller
    for depth, own in enumerate(own_nodes(nodes)):
        name = nodes[depth].name
        if own is None:
            yield _Spent(name, "", 0)
        else:
            yield _Spent(name, nodes[own].name, lineno_at(own) if own < depth else 0)
