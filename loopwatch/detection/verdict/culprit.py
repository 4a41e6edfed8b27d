"""Finds the culprit of a stall: the in-app function to blame, the call that it made, and what took the time in there.

The search goes inward from the step while one callee holds at least half of the step. Automatic collections, the
machine's delays and time of which only plumbing was seen do not count, because which call they fall into is chance. If
two callees hold about half each, the search follows the one that is called first. Along that chain of calls, three
nodes are named:

* the nearest in-app function, seen from the inner end. In-app code outward of a framework's call of a view does not
  count (``frameworks``). If no other is in-app, the function is the outermost one inward of that call, and the report
  names the view, consumer or route of the request instead;
* the call that its line makes, which is the next node of the chain. If no call of the function holds half of the step,
  the time is the function's own, and the call is the function itself;
* the detail: where the library at the inner end was entered, because ``json.dumps`` says more than the function of its
  encoder that happened to be running.

The first two identify a finding. The detail does not: which helper of a library holds half of the samples is chance.
Where the shares of a function's calls are near to half, the call that was named most often before is named again.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from loopwatch.detection.calls import OtherPlace
from loopwatch.detection.cpython.code_owner import Owner
from loopwatch.detection.cpython.places import NAMELESS
from loopwatch.detection.cpython.source import span_at
from loopwatch.detection.verdict.attribution import Node, Path, is_import
from loopwatch.detection.verdict.frameworks import calls_view, is_server, queries

DOMINANT = 1 / 2
"""The search goes on inward while one callee has at least this share of the stall."""
ABOUT_HALF = 0.45
"""Two callees that each have at least this share are equal: which one has more changes from stall to stall."""
NEAR_HALF = 1 / 3
"""The usual call of a function is named again if it has at least this share of the step; the function itself is, if its
longest call leaves it this share."""
CONSIDERABLE = 1 / 5
"""Another place is mentioned if it had this share of the step."""


TimesNamed = Callable[[str, str], int]
"""Takes the names of a function and of a call that it makes; returns how often that call was named before."""


class Named(NamedTuple):
    """The depths of the nodes that are named on a path: the function, the call that it made, and the detail."""

    function: int
    called: int
    detail: int


@dataclass(frozen=True, slots=True)
class Culprit:
    """The in-app ``function``, what it ``called``, the ``node`` that took the time inside, and the paths through both.

    If the time is the function's own, all three are the same node. The culprit may be exact from ``exact_from_s`` on.
    """

    function: Node
    called: Node
    node: Node
    paths: tuple[Path, ...]
    exact_from_s: float

    @property
    def heaviest(self) -> Path:
        """The heaviest path through the in-app line, and the line of a template, that took most of the time.

        One that shows the detail, if any does.
        """
        at_line = _heaviest_group(self.paths, self.line_on)
        telling = [path for path in at_line if any(node.key == self.node.key for node in path.nodes)]
        return max(_heaviest_group(telling or at_line, _template_line), key=lambda path: path.net_s)

    @property
    def weight_s(self) -> float:
        return sum(path.weight_s for path in self.paths)

    @property
    def is_exact(self) -> bool:
        """Whether exact nodes account for half of the time, collections included, and for enough of the step."""
        certain = [path for path in self.paths if path.nodes[self.depth_on(path) + self.is_call].is_exact]
        return sum(path.uncollected_s for path in certain) >= max(self.weight_s / 2, self.exact_from_s)

    @property
    def is_in_app(self) -> bool:
        """Whether in-app code was running, and not only a framework or a library."""
        return self.function.owner is Owner.IN_APP

    @property
    def is_call(self) -> bool:
        """Whether the function made a call that took the time, and did not spend it itself."""
        return self.called is not self.function

    def depth_on(self, path: Path) -> int:
        """Return the depth of the function on one of the paths: where it made the call, if it is recursive."""
        depth = _depth_of(path.nodes, self.function, self.called)
        assert depth is not None  # noqa: S101 - it is one of the paths
        return depth

    def line_on(self, path: Path) -> int:
        return line_of(path.nodes[self.depth_on(path)])

    def other_place(self, paths: Iterable[Path]) -> OtherPlace | None:
        """Return the other in-app place that had most of the step, if that is a considerable part of it."""
        shown = self.line_on(self.heaviest)
        lines_s: dict[tuple[str, str], dict[int, float]] = defaultdict(lambda: defaultdict(float))
        total_s = 0.0
        for path in paths:
            total_s += path.uncollected_s
            place = self._place_of(path)
            if place is not None and not self._is_shown(place, shown):
                lines_s[place[:2]][place[2]] += path.uncollected_s
        if not lines_s:
            return None
        names = max(lines_s, key=lambda key: sum(lines_s[key].values()))
        duration_s = sum(lines_s[names].values())
        lineno = max(lines_s[names], key=lines_s[names].__getitem__)
        return OtherPlace(*names, lineno, duration_s * 1000) if duration_s >= CONSIDERABLE * total_s else None

    def _is_shown(self, place: tuple[str, str, int], lineno: int) -> bool:
        """Return whether a place is the one that is shown, perhaps by a sample that misses the call of that line."""
        function, called, at = place
        return function == self.function.name and called in self.names and at == lineno

    @property
    def names(self) -> tuple[str, str]:
        return self.function.name, self.called.name

    def _place_of(self, path: Path) -> tuple[str, str, int] | None:
        """Return the function, the call and the line of a path; ``None`` for a path without a place to name."""
        if _depth_of(path.nodes, self.function, self.called) is not None:
            return (*self.names, self.line_on(path)) if self.is_call else None
        if not path.nodes:
            return None
        named = named_on(path.nodes, len(path.nodes) - 1)
        function = path.nodes[named.function]
        if function.owner is not Owner.IN_APP:
            return None
        return function.name, path.nodes[named.called].name, line_of(function)


def culprit_of(paths: Sequence[Path], times_named: TimesNamed = lambda *_: 0) -> Culprit | None:
    """Return the culprit; ``None`` if no path has a node, because only plumbing was seen."""
    if not _weight(path for path in paths if path.nodes):  # nothing but collections, delays and plumbing
        paths = [replace(path, collecting=0.0, delayed=0.0) for path in paths]
    total_s = _known_s(paths)
    enough_s = DOMINANT * total_s
    chosen = paths
    depth = -1
    while True:
        groups: dict[object, list[Path]] = defaultdict(list)
        for path in chosen:
            if len(path.nodes) > depth + 1:
                groups[path.nodes[depth + 1].key].append(path)
        if not groups:
            break
        callee = max(groups.values(), key=_weight)
        halves = [group for group in groups.values() if _weight(group) >= ABOUT_HALF * total_s]
        if depth >= 0 and len(halves) > 1:
            callee = _called_first(halves, depth)
            enough_s = ABOUT_HALF / DOMINANT * _weight(callee)
        elif depth >= 0 and _weight(callee) < enough_s:
            break
        chosen, depth = callee, depth + 1
    return None if depth < 0 else _usual_rather_than(_culprit(chosen[0].nodes, depth, paths), paths, times_named)


def _usual_rather_than(found: Culprit, paths: Sequence[Path], times_named: TimesNamed) -> Culprit:
    """Return the culprit that was named most often before, if its share is near to half, or else the one found.

    An import happens once, so it is always named where it is found.
    """
    if is_import(found.node):
        return found
    near_half_s = NEAR_HALF * _known_s(paths)
    usual, most = found, times_named(*found.names)
    heaviest: dict[tuple[str, str], Path] = {}
    for path in paths:
        if path.nodes:
            names = _names_on(path.nodes)
            heaviest[names] = max(path, heaviest.get(names, path), key=lambda each: each.net_s)
    for names, path in heaviest.items():
        if (times := times_named(*names)) > most:
            each = _culprit(path.nodes, len(path.nodes) - 1, paths)
            if each.is_call and _weight(each.paths) >= near_half_s:
                usual, most = each, times
    itself = _culprit_itself(found, paths)
    is_near = _weight(found.paths) <= _weight(itself.paths) - near_half_s
    return itself if is_near and times_named(*itself.names) > most else usual


def _culprit_itself(found: Culprit, paths: Sequence[Path]) -> Culprit:
    """Return the function of a culprit as the culprit."""
    path = found.paths[0]
    return _culprit(path.nodes[: found.depth_on(path) + 1], found.depth_on(path), paths)


def _names_on(nodes: Sequence[Node]) -> tuple[str, str]:
    function, called, _ = named_on(nodes, len(nodes) - 1)
    return nodes[function].name, nodes[called].name


def _known_s(paths: Sequence[Path]) -> float:
    """Return the time that calls are compared with.

    The time in which only plumbing was seen is left out, unless it is most of the step both with collections and delays
    and without them.
    """
    named = [path for path in paths if path.nodes]
    named_s, total_s = _weight(named), _weight(paths)
    is_most = named_s >= DOMINANT * total_s or _lasted_s(named) >= DOMINANT * _lasted_s(paths)
    return named_s if is_most else total_s


def _called_first(callees: Iterable[list[Path]], depth: int) -> list[Path]:
    """Return the callee that the function at ``depth`` calls first, or by name if it calls them in one place."""
    return min(
        callees, key=lambda paths: min((each.nodes[depth].site.offset, each.nodes[depth + 1].name) for each in paths)
    )


def _culprit(chain: Sequence[Node], end: int, paths: Sequence[Path]) -> Culprit:
    function, called, detail = (chain[depth] for depth in named_on(chain, end))
    through = [path for path in paths if _depth_of(path.nodes, function, called) is not None]
    return Culprit(function, called, detail, tuple(through), _exact_from_s(paths))


def _exact_from_s(paths: Iterable[Path]) -> float:
    """Return a third of the time in which any function was seen, or half of the step, if plumbing had most of it."""
    total_s = sum(path.uncollected_s for path in paths)
    seen_s = sum(path.uncollected_s for path in paths if path.nodes)
    return NEAR_HALF * seen_s if seen_s >= DOMINANT * total_s else DOMINANT * total_s


def named_on(nodes: Sequence[Node], end: int) -> Named:
    """Return what is named on a chain of calls that ends at the depth ``end``."""
    entry = entry_of(nodes, end)
    function = function_at(nodes, entry)
    called = min(function + 1, _named_at(nodes, end))
    return Named(function, called, max(called, entry))


def function_at(nodes: Sequence[Node], depth: int) -> int:
    """Return the depth of the function to blame: the nearest in-app one, or else the outermost that may be to blame."""
    own = own_node(nodes, depth)
    return min(_begin(nodes, depth), depth) if own is None else own


def entry_of(nodes: Sequence[Node], depth: int) -> int:
    """Return the depth where a node's library was entered. A lambda or generator counts as its caller's."""
    begin = _begin(nodes, depth)
    depth = _named_at(nodes, depth)
    node = nodes[depth]
    if node.owner is Owner.IN_APP or is_import(node):
        return depth
    entry, outer = depth, depth - 1
    while outer >= begin:
        if nodes[outer].owner is node.owner and nodes[outer].package == node.package:
            entry = outer
        elif not nodes[outer].is_c:
            break  # but a C function may call back the same library, as ``len`` calls ``__len__``
        outer -= 1
    # Where Django's templates or shortcuts run a query, the query says more.
    return next((each for each in range(entry, depth + 1) if queries(nodes[each].site.module)), entry)


def _named_at(nodes: Sequence[Node], depth: int) -> int:
    """Return the depth of a node, or of the function around it if it is a lambda or a generator expression."""
    begin = _begin(nodes, depth)
    while depth > begin and not nodes[depth].is_c and nodes[depth].site.code.co_name in NAMELESS:
        depth -= 1
    return depth


def own_node(nodes: Sequence[Node], depth: int) -> int | None:
    """Return the depth of the nearest in-app function, at ``depth`` or further out, within the view if there is one."""
    *_, own = own_nodes(nodes[: depth + 1])
    return own


def own_nodes(nodes: Sequence[Node]) -> Iterator[int | None]:
    """Yield ``own_node`` of every depth, in one pass, because a stack may have hundreds of nodes."""
    own = None
    for depth, begin in enumerate(_begins(nodes)):
        if nodes[depth].owner is Owner.IN_APP:
            own = depth
        yield own if own is not None and own >= begin else None


def _begin(nodes: Sequence[Node], depth: int) -> int:
    """Return where the view begins on the way to a node: inward of the framework's call of it, or of the server."""
    *_, begin = _begins(nodes[: depth + 1])
    return begin


def _begins(nodes: Iterable[Node]) -> Iterator[int]:
    """Yield where the view begins on the way to each node."""
    call = inward = None
    for depth, node in enumerate(nodes):
        if not node.is_c and calls_view(node.site):
            call = depth
        if inward is None and not is_server(node.site.module):
            inward = depth
        yield inward or 0 if call is None else call + 1


def line_of(node: Node) -> int:
    return span_at(node.site.code, node.site.offset).lineno


def _depth_of(nodes: Sequence[Node], function: Node, called: Node) -> int | None:
    """Return the innermost depth at which a function calls another, or, if they are one, at which it is."""
    step = int(called is not function)
    for depth in range(len(nodes) - 1 - step, -1, -1):
        if nodes[depth].key == function.key and nodes[depth + step].key == called.key:
            return depth
    return None


def _heaviest_group(paths: Iterable[Path], key_of: Callable[[Path], object]) -> list[Path]:
    groups: dict[object, list[Path]] = defaultdict(list)
    for path in paths:
        groups[key_of(path)].append(path)
    return max(groups.values(), key=_weight)


def _template_line(path: Path) -> object:
    """Return the innermost line of a template on a path, as something to compare; ``None`` if there is none."""
    sites = (site for site in path.sample.sites if site.template is not None)
    return next(((site.template, span_at(site.code, site.offset).lineno) for site in sites), None)


def _weight(paths: Iterable[Path]) -> float:
    return sum(path.net_s for path in paths)


def _lasted_s(paths: Iterable[Path]) -> float:
    return sum(path.weight_s for path in paths)
