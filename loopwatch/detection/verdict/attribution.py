"""Turns samples into paths: the functions on a stack, and the part of the stall that the sample accounts for.

A path has nodes, outermost first: the Python functions on the stack, then the C function that the innermost one was
calling. ``culprit`` compares the paths of a stall.
"""

import builtins
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from inspect import CO_GENERATOR
from typing import NamedTuple, Protocol

from loopwatch.detection.calls import Cause
from loopwatch.detection.cpython import bytecode
from loopwatch.detection.cpython.callees import Callee, callee_in
from loopwatch.detection.cpython.code_owner import PLUMBING_MODULES, Owner, owner_of, package_of
from loopwatch.detection.cpython.decorated import (
    MAX_WRAPPERS,
    function_of_module,
    generated_method,
    is_closure,
    is_decorated,
    named_beside,
    property_of,
)
from loopwatch.detection.cpython.expressions import Attribute, Expression, Name, Result, SpecialMethod, Unknown
from loopwatch.detection.cpython.namespaces import namespace_of
from loopwatch.detection.cpython.places import place_of
from loopwatch.detection.cpython.qualified_names import name_of_function
from loopwatch.detection.cpython.sites import IMPORT_MODULES, Site, is_collector_callback
from loopwatch.detection.machine.cpu_clocks import CpuReading
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.sampling.gc_pauses import Collecting
from loopwatch.detection.sampling.sample import Sample, spans_of
from loopwatch.detection.verdict.thread_states import PERSISTENT_SAMPLES, stay_of

COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>"})
C_OPERATION = "C"
GC_COLLECT = "gc.collect"
_LIBRARIES = (Owner.STANDARD_LIBRARY, Owner.PACKAGE)
ADAPTERS = frozenset({"contextlib", "functools", "django.utils.functional", "django.utils.decorators"})
"""The functions of these modules only run what they are given, such as the generator of a context manager."""
TYPING = "typing"
IMPORT = "import"
LAZY = " (lazy)"
GC_RUNS_INSIDE_CALLS = sys.version_info < (3, 12)
"""Later versions collect between instructions, when the call that allocated may be over."""


class Node(NamedTuple):
    """One function on a path. A C function has no frame, so its ``site`` is its caller's."""

    key: object
    name: str
    owner: Owner
    package: str
    is_c: bool
    site: Site
    is_exact: bool


class SeenStack(Protocol):
    """The stack of a sample or of a traced call, innermost site first."""

    @property
    def sites(self) -> tuple[Site, ...]: ...

    @property
    def taken_at(self) -> float: ...

    @property
    def is_seen(self) -> bool:
        """Whether the thread was seen to stay at the expression of the innermost site."""

    @property
    def variables(self) -> tuple[int, ...] | None:
        """What identifies the values of the innermost frame's variables, if they are known."""


@dataclass(frozen=True, slots=True)
class Path:
    """A stack as nodes, and the seconds of the stall that it accounts for.

    ``collecting`` is the share of these seconds in which the interpreter collected garbage, and ``delayed`` the share
    in which the machine did not let the thread run. ``timed`` is how many calls of the innermost node were timed.
    """

    nodes: tuple[Node, ...]
    sample: SeenStack
    weight_s: float
    state: Cause
    collecting: float = 0.0
    delayed: float = 0.0
    timed: int = 0

    @property
    def uncollected_s(self) -> float:
        return self.weight_s * (1 - self.collecting)

    @property
    def net_s(self) -> float:
        """The seconds without collections and delays: which code they interrupt is chance.

        A collection is delayed like other code.
        """
        return self.weight_s * (1 - self.collecting) * (1 - self.delayed)


def paths_of(
    samples: Sequence[Sample], states: Sequence[Cause], started: float, ended: float, collecting: Collecting
) -> list[Path]:
    """Return the samples from ``started`` to ``ended`` as paths, with that time divided among them."""
    inside = [
        (sample, state)
        for sample, state in zip(samples, states, strict=True)
        if sample.taken_at > started and sample.requested_at < ended
    ]
    paths = []
    seen = [sample for sample, _ in inside]
    spans = spans_of(seen, started, ended)
    stay = stay_of(seen)
    for index, ((sample, state), (begin, end)) in enumerate(zip(inside, spans, strict=True)):
        nodes = _nodes(sample, state, len(stay) if index in stay else 0)
        paths.append(Path(nodes, sample, end - begin, state, share_of(collecting.own_s(begin, end), end - begin)))
    return [replace(path, collecting=0.0) for path in paths] if asks_for_collection(paths) else paths


def share_of(part_s: float, lasted_s: float) -> float:
    return min(1.0, part_s / lasted_s) if lasted_s > 0 else 0.0


def asks_for_collection(paths: Iterable[Path]) -> bool:
    """Return whether the code itself called the collector, so that collections are not automatic."""
    return any(node.name == GC_COLLECT for path in paths for node in path.nodes)


def seen_path(sites: tuple[Site, ...], gil_wait: GilWait, weight_s: float) -> Path:
    """Return the path of a thread that has just handed over the GIL, which was waited for as ``gil_wait`` says."""
    reading = CpuReading(0.0, None, 0.0, 0.0)
    sample = Sample(0.0, 0.0, 0.0, reading, gil_wait, sites)
    return Path(_nodes(sample, Cause.COMPUTING), sample, weight_s, Cause.COMPUTING)


def is_import(node: Node) -> bool:
    return isinstance(node.key, tuple) and node.key[0] == IMPORT


def _nodes(sample: Sample, state: Cause, stays: int = 0) -> tuple[Node, ...]:
    """Return the nodes of a sample, one of ``stays`` in which the thread stays in the same call."""
    sites, seen = _without_plumbing(sample, state, stays)
    is_calling = seen in (_Seen.CALL, _Seen.LIKELY_CALL)
    return nodes_of(sites, is_exact=seen in (_Seen.CALL, _Seen.CODE), is_calling=is_calling)


def nodes_of(sites: Sequence[Site], *, is_exact: bool, is_calling: bool) -> tuple[Node, ...]:
    """Return the functions of a stack, outermost first, and if ``is_calling`` the C function at its inner end."""
    nodes: list[Node] = []
    for index in range(len(sites) - 1, -1, -1):
        site = sites[index]
        if site.module in IMPORT_MODULES:
            nodes.append(_import_node(sites, index))
            break
        owner = owner_of(site.code, site.module)
        if owner is Owner.PLUMBING or (nodes and _only_runs_others(site, is_innermost=not index)):
            continue
        if owner is not Owner.GENERATED or not nodes:  # generated code counts as its caller's
            nodes.append(_python_node(sites, index, owner, is_exact=is_exact))
        callee = site.callee or _c_half_of(sites, index) if index or is_calling else None
        if callee is not None and not callee.name and index and sites[index - 1].code.co_name in COMPREHENSIONS:
            continue  # before Python 3.12, a comprehension is a nameless function, called in place
        if callee is not None and (not callee.name or callee.name.partition(".")[0] in PLUMBING_MODULES):
            # In ``context.run(f)``, ``f`` is to blame, but it is unknown here, like a function from a dictionary.
            nodes[-1] = nodes[-1]._replace(is_exact=False)
            continue
        # A name that cannot be resolved says less than the library's function that calls it.
        if callee is not None and (callee.is_resolved or owner is Owner.IN_APP):
            node = c_node(callee.name, site, nodes[-1], is_exact=is_exact and callee.is_resolved)
            if owner in _LIBRARIES and _passes_on(sites, index, callee):
                nodes[-1] = node
            else:
                nodes.append(node)
    return tuple(nodes)


def _c_half_of(sites: Sequence[Site], index: int) -> Callee | None:
    """Return the C function that runs a private module of the standard library, as ``datetime.strptime`` does."""
    caller, runs = sites[index], sites[index - 1]
    is_private = runs.module.startswith("_") and runs.module not in IMPORT_MODULES
    if not (index and is_private and owner_of(runs.code, runs.module) is Owner.STANDARD_LIBRARY):
        return None
    callee = callee_in(caller.code, caller.offset, namespace_of(sys.modules.get(caller.module)))
    return callee if callee is not None and callee.is_resolved else None


def _only_runs_others(site: Site, *, is_innermost: bool) -> bool:
    """Return whether a function only calls what it was made for. The wrappers of typing's caches do nothing else."""
    return (not is_innermost and site.module in ADAPTERS) or (site.module == TYPING and is_closure(site.code))


class _Seen(Enum):
    """What the innermost function was doing when the sample was taken."""

    CALL = auto()
    """It was inside the call that it stands on."""
    LIKELY_CALL = auto()
    """It was probably inside that call, but may just have left another one."""
    CODE = auto()
    """It was running its own code or quick calls."""
    TOO_LATE = auto()
    """It had left the operation that kept the GIL."""


def _without_plumbing(sample: Sample, state: Cause, stays: int) -> tuple[list[Site], _Seen]:
    """Drop plumbing from the inner end of the stack; return the other sites and what the innermost was doing."""
    sites = list(sample.sites)
    while sites and owner_of(sites[0].code, sites[0].module) is Owner.PLUMBING:
        del sites[0]
    is_collecting = bool(sample.sites) and is_collector_callback(sample.sites[0].module)
    enters_plumbing = len(sample.sites) == len(sites) + 1 and not is_collecting and _has_just_begun(sample.sites[0])
    # At the entry of a function, a thread can only be waiting for the GIL or for a CPU.
    if state is Cause.WAITING and enters_plumbing:
        return _at_operation(sites), _Seen.TOO_LATE
    if state is Cause.WAITING and sites and _has_just_begun(sites[0]):
        return _seen_late(sites, len(sample.sites), _Seen.LIKELY_CALL)
    if state is Cause.WAITING or sample.gil_wait in (GilWait.NONE, GilWait.SEEN):
        return sites, _Seen.CALL
    if is_collecting and GC_RUNS_INSIDE_CALLS:
        return sites, _Seen.CALL
    is_at_plumbing = len(sites) < len(sample.sites) and not is_collecting
    if (not sites or is_at_plumbing) and sample.gil_wait not in (GilWait.INTERVAL, GilWait.PASSED_ON):
        return _at_operation(sites) if enters_plumbing else sites, _Seen.TOO_LATE
    if sample.gil_wait is GilWait.PASSED_ON and stays and sites and sites[0].callee is not None:
        return sites, _Seen.LIKELY_CALL if stays >= PERSISTENT_SAMPLES else _Seen.TOO_LATE
    if sample.gil_wait in (GilWait.INTERVAL, GilWait.PASSED_ON):
        return sites, _Seen.CODE
    if sample.gil_wait is GilWait.SHARED:
        return sites, _Seen.TOO_LATE
    return _seen_late(sites, len(sample.sites), _Seen.CALL if sample.gil_wait is GilWait.LONG else _Seen.LIKELY_CALL)


def _seen_late(sites: list[Site], sites_before: int, seen: _Seen) -> tuple[list[Site], _Seen]:
    """Return what a late sample shows: ``seen`` only if no other call can have kept the GIL."""
    is_called_back = len(sites) < sites_before
    entered = ""
    if _has_just_begun(sites[0]):
        # The function has just been entered. If C code called it, that C call still runs.
        entered = sites.pop(0).code.co_name
        is_called_back = True
    callee = sites[0].callee if sites else None
    if is_called_back:
        is_its_caller = callee is None or (not callee.is_resolved and _last_part(callee.name) in ("", entered))
        return (_at_operation(sites), _Seen.TOO_LATE) if is_its_caller else (sites, seen)
    if callee is None:
        return _at_operation(sites), _Seen.CODE if seen is _Seen.CALL else _Seen.TOO_LATE
    if callee.is_certain:
        return sites, seen
    return _at_operation(sites) if _last_part(callee.name) in bytecode.EXIT_METHODS else sites, _Seen.TOO_LATE


def _has_just_begun(site: Site) -> bool:
    return bytecode.is_entry(site.code, site.offset)


def _at_operation(sites: list[Site]) -> list[Site]:
    """Move the innermost site back to the operation that may have kept the GIL, if there is one."""
    if not sites:
        return sites
    offset = bytecode.operation_before(sites[0].code, sites[0].offset)
    return sites if offset is None else [replace(sites[0], offset=offset, callee=None), *sites[1:]]


def _last_part(name: str) -> str:
    return name.rpartition(".")[2]


def _python_node(sites: Sequence[Site], index: int, owner: Owner, *, is_exact: bool) -> Node:
    site = sites[index]
    key: object = site.code
    qualname = place_of(site.code, site.module)
    if owner is Owner.IN_APP:
        name = f"{site.module}.{qualname}" if site.module else qualname
    elif (decorated := _decorated(sites, index)) is not None:
        key = decorated.code
        name = name_of_function(decorated.module, decorated.code.co_qualname)
    else:
        for_users = _name_for_users(sites, index)
        name = name_of_function(site.module, for_users or qualname)
        if for_users and is_closure(site.code):
            key = site.code, name  # all methods that were generated share their code
    return Node(key, name, owner, package_of(owner, site.module), is_c=False, site=site, is_exact=is_exact)


def _name_for_users(sites: Sequence[Site], index: int) -> str:
    """Return the name of the property or generated method that runs a library's function; empty if none is known."""
    code, module = sites[index].code, sites[index].module
    if is_closure(code):
        written = _name_written(sites, index)
        if written not in ("", code.co_name) and (method := generated_method(code, module, written)):
            return method
        maker = code.co_qualname.partition(".<locals>")[0]
        is_generator = code.co_flags & CO_GENERATOR and owner_of(code, module) is Owner.STANDARD_LIBRARY
        return maker if is_generator or _last_part(maker) == _iterated(sites, index) else ""
    if not code.co_name.startswith("_"):
        return function_of_module(code, module)
    is_private = not code.co_name.startswith("__")
    return property_of(code, module) or named_beside(code, module, _iterated(sites, index)) if is_private else ""


def _iterated(sites: Sequence[Site], index: int) -> str:
    """Return the name of the function or property whose result the caller's loop goes over; empty if it is unknown."""
    match _call_of(sites, index):
        case bytecode.Call(SpecialMethod(of, "__next__")):
            is_given = sites[index + 1].code.co_name == "<genexpr>" and not isinstance(of, Result | Attribute)
            match _given_to(sites, index + 1) if is_given else of:
                case Result(Attribute(name=name) | Name(name=name)) | Attribute(name=name):
                    return name
    return ""


def _given_to(sites: Sequence[Site], index: int) -> Expression:
    """Return what a generator expression goes over, if the function that contains it is on the stack."""
    generator = sites[index].code
    around = (site.code for site in sites[index + 1 :] if any(each is generator for each in site.code.co_consts))
    code = next(around, None)
    return Unknown() if code is None else bytecode.iterated_by(generator, code)


def _name_written(sites: Sequence[Site], index: int) -> str:
    """Return the name by which the caller's line calls a function; empty if it is unknown."""
    call = _call_of(sites, index)
    return call.function.name if call is not None and isinstance(call.function, Name | Attribute) else ""


def _call_of(sites: Sequence[Site], index: int) -> bytecode.Call | None:
    """Return what the caller of a function calls."""
    return bytecode.call_at(sites[index + 1].code, sites[index + 1].offset) if index + 1 < len(sites) else None


def _decorated(sites: Sequence[Site], index: int) -> Site | None:
    """Return the library's function that a decorator's wrapper has called, perhaps through other wrappers."""
    wrapper = sites[index]
    if not is_closure(wrapper.code) and wrapper.code.co_name != "__call__":
        return None
    found = _wrapped(sites, index) or _called_as_written(sites, index)
    return None if found is None or owner_of(found.code, found.module) is Owner.IN_APP else found


def _wrapped(sites: Sequence[Site], index: int) -> Site | None:
    wrapper = sites[index]
    chain = [wrapper.code]
    while index and len(chain) <= MAX_WRAPPERS and is_closure(chain[-1]):
        index -= 1
        site = sites[index]
        chain.append(site.code)
        if is_decorated(tuple(chain), wrapper.module, site.module):
            return site
    return None


def _called_as_written(sites: Sequence[Site], index: int) -> Site | None:
    """Return the function that has the name by which the wrapper was called: not all decorators say what they wrap."""
    written = _name_written(sites, index)
    inward = reversed(sites[max(0, index - MAX_WRAPPERS) : index])
    return next((site for site in inward if written and site.code.co_name == written), None)


def _passes_on(sites: Sequence[Site], index: int, callee: Callee) -> bool:
    """Return whether a library's closure wraps a C function: it is called by the name of that function."""
    if not callee.is_resolved or not is_closure(sites[index].code):
        return False
    return _name_written(sites, index) == _last_part(callee.name)


def c_node(name: str, site: Site, caller: Node, *, is_exact: bool) -> Node:
    top = name.partition(".")[0]
    is_standard = top in sys.stdlib_module_names or hasattr(builtins, top)
    owner = Owner.STANDARD_LIBRARY if is_standard else Owner.PACKAGE
    # The C half of a package has its own top-level name (``psycopg_binary``), but only the package calls it.
    package = caller.package if owner is caller.owner is Owner.PACKAGE else package_of(owner, name)
    return Node((C_OPERATION, name), name, owner, package, is_c=True, site=site, is_exact=is_exact)


def _import_node(sites: Sequence[Site], index: int) -> Node:
    """Return one node for an import and all that it runs: ``import pandas``, ``import pandas (lazy)``."""
    site = sites[index]
    importer = sites[index + 1] if index + 1 < len(sites) else None
    module = bytecode.imported_at(importer.code, importer.offset) if importer else None
    bodies = (inner.module for inner in reversed(sites[:index]) if inner.code.co_name == "<module>")
    is_lazy = importer is not None and bytecode.lazily_loaded_at(importer.code, importer.offset) is not None
    if importer is not None and (is_lazy or not module):
        module = importer.imports
    name = f"{IMPORT} {module or next(bodies, '')}".strip() + (LAZY if is_lazy else "")
    owner = Owner.STANDARD_LIBRARY
    return Node((IMPORT, name), name, owner, package_of(owner, name), is_c=False, site=site, is_exact=True)
