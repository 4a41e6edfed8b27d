"""Finds the code objects of the frames that the lookout has read, which are names and places only.

The code is looked for in the sites that a sample has seen, then in the namespaces of the modules. It must have the
name, the file and an instruction at the very place. If the code of one frame is not found, nothing is returned: a stack
with a gap would blame the wrong function. Runs on the watchdog's thread.
"""

import dis
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from loopwatch.detection.cpython.callees import callee_in
from loopwatch.detection.cpython.instructions import Instruction, Place, instructions_of
from loopwatch.detection.cpython.namespaces import look_up, namespace_of, own_attribute, unbound
from loopwatch.detection.cpython.opcodes import Role
from loopwatch.detection.cpython.sites import Site, is_where_steps_begin
from loopwatch.detection.lookout.look import Look, LookedFrame

_FROZEN = "<frozen "
_MAX_WRAPPED = 20
_QUICK = frozenset(
    {Role.NOTHING, Role.SHUFFLES, Role.LOADS_LOCAL, Role.LOADS_CONSTANT, Role.BUILDS, Role.OTHER, Role.OFFERS_GIL}
)
_SPECIALIZED: dict[str, str] = getattr(dis, "deoptmap", {})
_NAMES: Sequence[str] = getattr(dis, "_all_opname", dis.opname)


class _Module(NamedTuple):
    """A loaded module, which may be of a class of the site, so its attributes are not asked for."""

    loaded_as: str
    name: str
    namespace: Mapping[str, Any]


class _Found(NamedTuple):
    code: CodeType
    module: _Module


def sites_of(look: Look, seen: Sequence[Site] = (), *, in_step: bool = True) -> tuple[Site, ...]:
    """Return the sites of a look, innermost first; empty if they are not all known.

    ``in_step``, only those of the step that the thread runs, and none if it runs none. ``seen`` are those of a sample
    of the same step, which has read variables that a look cannot read.
    """
    modules = _Modules()
    known = list(reversed(seen))
    found: list[_Found] = []
    for frame in look.frames:
        each = _find(frame, seen, modules)
        if each is None:
            return ()
        if is_where_steps_begin(each.code, each.module.name):
            break
        found.append(each)
    else:
        if in_step:
            return ()
    sites: list[Site] = []
    for index, (frame, each) in enumerate(zip(look.frames, found, strict=False)):
        depth = len(found) - 1 - index
        at_same_depth = known[depth] if depth < len(known) else None
        site = _site(frame, each, at_same_depth, look.opcode if index == 0 else None)
        if site is None:
            return ()
        sites.append(site)
    return tuple(sites)


def _site(frame: LookedFrame, found: _Found, seen: Site | None, opcode: int | None) -> Site | None:
    """Return the site of a frame; ``None`` if its instruction is not certain."""
    if seen is not None and seen.code is found.code and _place_at(seen) == frame[2:]:
        offset: int | None = seen.offset
        if opcode is None or offset == _offset_of(found.code, frame, opcode, offset):
            return seen
    offset = _last_offset_of(found.code, frame) if opcode is None else _offset_of(found.code, frame, opcode, None)
    if offset is None:
        return None
    callee = callee_in(found.code, offset, found.module.namespace) if opcode is not None else None
    return Site(found.code, offset, found.module.name, callee)


def _place_at(site: Site) -> tuple[int | None, ...]:
    positions = list(site.code.co_positions())
    lineno, end_lineno, column, end_column = positions[min(site.offset // 2, len(positions) - 1)]
    return lineno, end_lineno, column, end_column


def _last_offset_of(code: CodeType, frame: LookedFrame) -> int | None:
    """Return the last offset of an expression, where it is executed after its operands."""
    offsets = [2 * index for index, positions in enumerate(code.co_positions()) if positions == frame[2:]]
    return offsets[-1] if offsets else None


def _offset_of(code: CodeType, frame: LookedFrame, opcode: int, seen: int | None) -> int | None:
    """Return the offset of the innermost instruction; ``None`` if several would do and none of them was ``seen``."""
    place = Place(frame.lineno, frame.column, frame.end_lineno, frame.end_column)
    there = [each for each in instructions_of(code) if each.place == place and each.role not in _QUICK]
    exactly = [each for each in there if each.name == _name_of(opcode)] or there
    if len(exactly) > 1 and seen is not None:
        exactly = [each for each in exactly if each.offset == seen]
    return exactly[0].offset if len(exactly) == 1 else _of_quick(code, place, opcode)


def _of_quick(code: CodeType, place: Place, opcode: int) -> int | None:
    """Return the offset of an instruction that is usually quick, such as a store that frees what was there before."""
    there: list[Instruction] = [
        each for each in instructions_of(code) if each.place == place and each.name == _name_of(opcode)
    ]
    return there[0].offset if len(there) == 1 else None


def _name_of(opcode: int) -> str:
    """Return the name of an opcode as the compiler wrote it, before it was specialized or instrumented."""
    name = _NAMES[opcode] if 0 <= opcode < len(_NAMES) else ""
    return _SPECIALIZED.get(name, name).removeprefix("INSTRUMENTED_")


def _find(frame: LookedFrame, seen: Sequence[Site], modules: "_Modules") -> _Found | None:
    module = modules.of(frame.filename)
    if module is None:
        return None
    candidates = chain((site.code for site in seen), _codes(module, frame.function))
    return next((_Found(code, module) for code in candidates if _is_of(code, frame)), None)


def _is_of(code: CodeType, frame: LookedFrame) -> bool:
    return (
        code.co_qualname == frame.function
        and code.co_filename == frame.filename
        and any(positions == frame[2:] for positions in code.co_positions())
    )


class _Modules:
    """The loaded modules by file, read when they are first asked for."""

    def __init__(self) -> None:
        self._by_file: dict[str, _Module] = {}

    def of(self, filename: str) -> _Module | None:
        if filename.startswith(_FROZEN):
            return _module(filename.removeprefix(_FROZEN).removesuffix(">"))
        if not self._by_file:
            for name in list(sys.modules):
                module = _module(name)
                file = module.namespace.get("__file__")
                if type(file) is str:
                    self._by_file[file] = module
        return self._by_file.get(filename)


def _module(loaded_as: str) -> _Module:
    namespace = namespace_of(sys.modules.get(loaded_as))
    name = namespace.get("__name__")
    return _Module(loaded_as, name if type(name) is str else "", namespace)


def _codes(module: _Module, qualname: str) -> Iterator[CodeType]:
    """Yield the code of functions that may have this qualified name: also of decorated and of inner functions."""
    outer = qualname.partition(".<locals>")[0]
    for function in _wrapped_by(unbound(look_up(module.loaded_as, outer))):
        yield from _within(function.__code__, qualname)


def _wrapped_by(member: Any) -> Iterator[FunctionType]:
    """Yield a function, and those that it may call as a decorator's wrapper: what its closure holds."""
    members, met = [member], 0
    while members and met < _MAX_WRAPPED:
        each = unbound(members.pop(0))
        met += 1
        if type(each) is FunctionType:
            yield each
            members += [cell.cell_contents for cell in each.__closure__ or () if _is_set(cell)]
        members += [value for name in ("__wrapped__", "func") if (value := own_attribute(each, name)) is not None]


def _is_set(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _within(code: CodeType, qualname: str) -> Iterator[CodeType]:
    """Yield this code and the code inside it that may have the qualified name."""
    if code.co_qualname == qualname:
        yield code
    for constant in code.co_consts:
        if type(constant) is CodeType and (qualname + ".").startswith(constant.co_qualname + "."):
            yield from _within(constant, qualname)
