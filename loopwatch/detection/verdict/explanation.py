"""Divides a stall's time among the traced calls and, where nothing was traced, the watchdog's samples.

A traced call accounts for its self time. If it is Python code, it may have called functions that were not timed, so the
samples inside it share that time. The rest of the step goes to the samples outside of all traced calls. Runs on the
watchdog's thread.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from operator import itemgetter
from types import CodeType

from loopwatch.detection.calls import Cause
from loopwatch.detection.cpython.callees import Callee
from loopwatch.detection.cpython.code_owner import PLUMBING_MODULES, Owner, owner_of
from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.machine.cpu_clocks import CpuReading, others_s
from loopwatch.detection.sampling.gc_pauses import Pause
from loopwatch.detection.timing.trace import Trace, TracedCall
from loopwatch.detection.verdict.attribution import (
    ADAPTERS,
    GC_COLLECT,
    Node,
    Path,
    SeenStack,
    asks_for_collection,
    c_node,
    nodes_of,
    share_of,
)
from loopwatch.detection.verdict.culprit import DOMINANT
from loopwatch.detection.verdict.thread_states import AT_REST, BUSY

SURPLUS = 0.2
"""The samples inside a traced call may exceed its time by this fraction, because each covers the time around it."""
_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The paths that share a step's time.

    ``counts`` is the number of timed calls of each function, by its node's key. ``untimed_callees`` is the code whose
    calls took long and were not timed.
    """

    paths: list[Path]
    counts: dict[object, int] = field(default_factory=dict)
    untimed_callees: tuple[CodeType, ...] = ()


@dataclass(frozen=True, slots=True)
class _TracedStack:
    sites: tuple[Site, ...]
    is_between_calls: bool = False
    is_seen: bool = False
    taken_at: float = 0.0
    variables: tuple[int, ...] | None = None


@dataclass(slots=True)
class _Part:
    """A part of the step: one traced call, or (``None``) the time outside of all traced calls."""

    call: TracedCall | None
    own_s: float = 0.0
    count: int = 0
    sampled: list[Path] = field(default_factory=list)
    collected_s: float = 0.0


class _States:
    """Decides what the thread did during a call: by the samples, or else by the CPU clocks around it."""

    def __init__(self, windows: Sequence[tuple[float, float, Cause]], clocks: Sequence[CpuReading]) -> None:
        self._windows = windows
        self._clocks = clocks

    def state_of(self, call: TracedCall) -> Cause:
        during: dict[Cause, float] = defaultdict(float)
        for begin, end, state in self._windows:
            during[state] += max(0.0, min(end, call.ended) - max(begin, call.started))
        if sum(during.values()) >= DOMINANT * (call.ended - call.started):
            return max(during, key=lambda state: during[state])
        return self._by_cpu_clocks(call)

    def _by_cpu_clocks(self, call: TracedCall) -> Cause:
        before = max((each for each in self._clocks if each.at <= call.started), key=_at, default=None)
        after = min((each for each in self._clocks if each.at >= call.ended), key=_at, default=None)
        if before is None or after is None or before.thread_s is None or after.thread_s is None:
            return Cause.COMPUTING
        lasted_s = call.ended - call.started
        used_s = after.thread_s - before.thread_s
        # Some of ``used_s`` was used outside of the call: at most all of the time outside.
        least_s = max(0.0, used_s - (after.at - before.at - lasted_s))
        if least_s < AT_REST * lasted_s and others_s(before, after) >= BUSY * lasted_s:
            return Cause.STARVED
        # Other processes may have had the CPU most of the time, but a thread that waits uses hardly any.
        likely_s = (least_s + min(used_s, lasted_s)) / 2
        return Cause.COMPUTING if likely_s >= AT_REST * lasted_s else Cause.WAITING


def _at(reading: CpuReading) -> float:
    return reading.at


def _windows(sampled: Sequence[Path], started: float) -> list[tuple[float, float, Cause]]:
    """Return the interval that each sample covers; the intervals follow one another."""
    ends = list(accumulate((path.weight_s for path in sampled), initial=started))
    return [(begin, end, path.state) for begin, end, path in zip(ends, ends[1:], sampled, strict=False)]


def explain_by_trace(
    trace: Trace,
    sampled: Sequence[Path],
    readings: Iterable[CpuReading],
    started: float,
    ended: float,
    collections: Iterable[Pause],
) -> Explanation:
    """Divide the time from ``started`` to ``ended`` among its traced calls and its samples."""
    parts: dict[_Key, _Part] = {}
    for call in trace.calls:
        share = _share_inside(call, started, ended)
        if share > 0:
            part = parts.setdefault(_key_of(call), _Part(call))
            part.own_s += call.own_s * share
            part.count += call.count
    if not asks_for_collection(sampled) and not any(call.name == GC_COLLECT for call in trace.calls):
        _deal_out_collections(collections, parts.values())
    rest_s = max(0.0, ended - started - sum(part.own_s for part in parts.values()))
    rest = _Part(None, rest_s)
    _deal_out(map(_without_callbacks, sampled), parts, rest)
    if not rest.sampled and rest_s > DOMINANT * (ended - started):
        return Explanation([])
    clocks = [*trace.readings, *readings]
    states = _States(_windows(sampled, started), clocks)
    passed = _passed_through(trace)
    paths = [_through(path, passed) for part in (*parts.values(), rest) for path in _paths(part, states)]
    return Explanation(paths, _counts(trace), _untimed_callees([*parts.values(), rest], ended - started))


def _without_callbacks(path: Path) -> Path:
    """Leave out the tracer's frames: the interpreter often lets the watchdog in as it calls the tracer."""
    sites = path.sample.sites
    own = next((index for index, site in enumerate(sites) if not _is_loopwatch(site)), len(sites))
    return replace(path, sample=_TracedStack(sites[own:], is_between_calls=True)) if own else path


def _is_loopwatch(site: Site) -> bool:
    return site.module.startswith("loopwatch.") and owner_of(site.code, site.module) is Owner.PLUMBING


def _share_inside(call: TracedCall, started: float, ended: float) -> float:
    """Return the share of a call that lies between two moments; 0 or less if none does."""
    lasted_s = call.ended - call.started
    if lasted_s <= 0:
        return 0.0
    return (min(call.ended, ended) - max(call.started, started)) / lasted_s


def _key_of(call: TracedCall) -> _Key:
    """Return what the stack of every sample taken in this call begins with."""
    outward = [_place(site) for site in call.sites]
    return tuple(reversed(outward)) if call.name else (*reversed(outward[1:]), id(call.sites[0].code))


def _place(site: Site) -> tuple[int, int]:
    return id(site.code), site.offset


def _deal_out(sampled: Iterable[Path], parts: dict[_Key, _Part], rest: _Part) -> None:
    """Assign every sample to the innermost traced call around it, up to the time of that call.

    Quick calls of the same function are not traced, so the samples' surplus goes to the part around the call.
    """
    arrived: dict[int, list[tuple[Path, list[_Part]]]] = defaultdict(list)
    for path in sampled:
        innermost, *around = (*_parts_around(path.sample.sites, parts), rest)
        arrived[id(innermost)].append((path, around))
    inside_out = [parts[key] for key in sorted(parts, key=_depth, reverse=True)]
    for part in (*inside_out, rest):
        here = arrived[id(part)]
        part.sampled = [path for path, _ in here]
        sampled_s = sum(path.weight_s for path in part.sampled)
        beyond = 1 - part.own_s / sampled_s if sampled_s > 0 else 0.0
        if beyond < SURPLUS:
            continue
        for path, around in here:
            if around:
                arrived[id(around[0])].append((replace(path, weight_s=path.weight_s * beyond), around[1:]))


def _deal_out_collections(collections: Iterable[Pause], parts: Iterable[_Part]) -> None:
    """Assign every collection to the traced call that began last of those around it."""
    for pause in collections:
        around = [
            (part.call.started, part)
            for part in parts
            if part.call is not None and part.call.started <= pause.started and pause.ended <= part.call.ended
        ]
        if around:
            _, innermost = max(around, key=itemgetter(0))
            innermost.collected_s += pause.ended - pause.started


def _depth(key: _Key) -> tuple[int, bool]:
    """Sort parts by depth. A C function is deeper than the Python function that calls it."""
    return len(key), isinstance(key[-1], tuple)


def _parts_around(sites: Sequence[Site], parts: dict[_Key, _Part]) -> Iterator[_Part]:
    """Yield the traced calls around a stack, innermost first."""
    places = [_place(site) for site in reversed(sites)]
    for length in range(len(places), 0, -1):
        in_c_call = parts.get(tuple(places[:length]))
        if in_c_call is not None:
            yield in_c_call
        in_function = parts.get((*places[: length - 1], places[length - 1][0]))
        if in_function is not None:
            yield in_function


def _paths(part: _Part, states: _States) -> list[Path]:
    call = part.call
    if call is None:
        return _shared(part, part.sampled) or [Path((), _TracedStack(()), part.own_s, Cause.COMPUTING)]
    state = states.state_of(call)
    sites = _with_callees(call.sites, call)
    # Self time may have gone to any line of the function, or to a call that was not timed.
    nodes = nodes_of(sites, is_exact=bool(call.name), is_calling=bool(call.name))
    collecting = share_of(part.collected_s, part.own_s)
    itself = Path(nodes, _TracedStack(sites), part.own_s, state, collecting, timed=part.count)
    deeper = [path for path in part.sampled if not call.name or len(path.sample.sites) > len(call.sites)]
    if not deeper:
        return [itself]
    within = [_reaching(_within(path, call), itself, part.count) for path in deeper]
    return [replace(path, state=path.state if path.state.is_machine else state) for path in _shared(part, within)]


def _reaching(path: Path, traced: Path, count: int) -> Path:
    """Make a sampled path end where the trace says.

    A late sample may end further out. If the traced function was called many times, the C functions that samples
    found in it are quick, because slow ones would be traced.
    """
    if not traced.nodes:
        return path
    nodes, own_key = path.nodes, traced.nodes[-1].key
    if count > 1 and nodes and nodes[-1].is_c and nodes[-2].key == own_key:
        return replace(path, nodes=nodes[:-1])
    if traced.nodes[-1].site.module in ADAPTERS and not traced.nodes[-1].is_c:
        return path  # through a function that is no node where it runs another one
    # A decorator's wrapper has the key of the function that it called, if the path continues to that function.
    return (
        path
        if any(own_key in (node.key, node.site.code) for node in nodes)
        else replace(traced, weight_s=path.weight_s)
    )


def _shared(part: _Part, sampled: Sequence[Path]) -> list[Path]:
    total = sum(path.weight_s for path in sampled)
    if total <= 0:
        return [replace(path, weight_s=part.own_s / len(sampled)) for path in sampled]
    return [replace(_doubted(path, total), weight_s=part.own_s * path.weight_s / total) for path in sampled]


def _doubted(path: Path, total_s: float) -> Path:
    """Doubt a sample that covers most of the time but shows a call beginning: the time was spent before it."""
    seen = path.sample
    if not isinstance(seen, _TracedStack) or not seen.is_between_calls or path.weight_s < DOMINANT * total_s:
        return path
    return replace(path, nodes=tuple(node._replace(is_exact=False) for node in path.nodes))


def _within(path: Path, call: TracedCall) -> Path:
    """Add to a sampled path the C functions that the trace knows."""
    sites = path.sample.sites
    if not path.nodes:
        return path
    extra = len(sites) - len(call.sites)
    outer = _with_callees(sites[extra:], call)
    if outer == sites[extra:]:
        return path
    seen: SeenStack = _TracedStack((*sites[:extra], *outer))
    is_exact = all(node.is_exact for node in path.nodes)
    return replace(path, nodes=nodes_of(seen.sites, is_exact=is_exact, is_calling=path.nodes[-1].is_c), sample=seen)


def _with_callees(sites: Sequence[Site], call: TracedCall) -> tuple[Site, ...]:
    """Add to the sites of a traced call the C functions that the trace knows as their callees."""
    names = {(id(code), offset): name for code, offset, name in call.inside}
    found = [
        replace(site, callee=Callee(names[_place(site)], is_resolved=True, is_certain=True))
        if _place(site) in names
        else site
        for site in sites
    ]
    if call.name:
        found[0] = replace(found[0], callee=Callee(call.name, is_resolved=True, is_certain=True))
    return tuple(found)


def _passed_through(trace: Trace) -> dict[tuple[int, int], str]:
    """Return the C functions that are known to call back what is called at a place, by that place."""
    inside = (each for call in trace.calls for each in call.inside)
    return {(id(code), offset): name for code, offset, name in inside if name.partition(".")[0] not in PLUMBING_MODULES}


def _through(path: Path, passed: Mapping[tuple[int, int], str]) -> Path:
    """Add these C functions to a path, so that a sample has the nodes that a traced call at the same place has."""
    nodes: list[Node] = []
    for node in path.nodes:
        name = passed.get(_place(nodes[-1].site)) if nodes and not nodes[-1].is_c and not node.is_c else None
        if name is not None:
            nodes.append(c_node(name, nodes[-1].site, nodes[-1], is_exact=nodes[-1].is_exact))
        nodes.append(node)
    return path if len(nodes) == len(path.nodes) else replace(path, nodes=tuple(nodes))


def _counts(trace: Trace) -> dict[object, int]:
    """Count calls by the key of their node: a code object, or the name of a C function."""
    counts: dict[object, int] = defaultdict(int)
    for call in trace.calls:
        if call.name:
            counts[call.name] += call.count
        for site in call.sites:
            if id(site.code) in trace.counts:
                counts[site.code] = trace.counts[id(site.code)]
    return counts


def _untimed_callees(parts: Sequence[_Part], lasted_s: float) -> tuple[CodeType, ...]:
    """Return the code inside the heaviest part whose calls were not timed, by its heaviest sample."""
    heaviest = max(parts, key=lambda part: part.own_s)
    call = heaviest.call
    if heaviest.own_s < DOMINANT * lasted_s or (call is not None and call.name):
        return ()
    outer = 0 if call is None else len(call.sites) - 1
    sampled = max(heaviest.sampled, key=lambda path: path.weight_s, default=None)
    if sampled is None:
        return () if call is None else (call.sites[0].code,)
    sites = sampled.sample.sites
    inner = sites[: len(sites) - outer]
    is_own_time = call is not None and len(inner) == 1 and not _calls_c(sampled.nodes)
    return () if is_own_time else tuple(site.code for site in inner)


def _calls_c(nodes: Sequence[Node]) -> bool:
    return bool(nodes) and nodes[-1].is_c
