"""Reads which objects the variables of a frame refer to, so that samples tell one call of a C function from the next.

A C function has no frame. But while a frame is in a call, none of its variables can change that only its own code can
assign: those of a function that no inner function shares. So if two samples show a frame in the same call with other
variables, it has made the call again: ``for row in rows: compress(row)``. Only the ids of the objects are kept.
"""

import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from inspect import CO_OPTIMIZED
from itertools import chain, compress, islice, repeat
from operator import and_, attrgetter, call, contains, mul
from types import FrameType
from typing import Any

COPIES_LOCALS = sys.version_info < (3, 13)
"""Before Python 3.13, ``f_locals`` of a function is a copy, which the frame keeps."""
ASKS_FOR_LOCALS = frozenset({"locals", "vars", "dir", "eval", "exec"})
"""Code that uses such a name may hold that copy, which reading ``f_locals`` would change."""
_flags, _trace = attrgetter("f_code.co_flags"), attrgetter("f_trace")
_names_used, _names = attrgetter("f_code.co_names"), attrgetter("f_code.co_varnames")


class ReadsVariables:
    """Reads the variables of the innermost frame while the walk along the stack keeps the GIL.

    ``innermost`` is the list that the walk fills. The frame is not asked if its code may hold a copy of its variables,
    or if its trace function is not ``readable``.
    """

    def __init__(self, innermost: list[FrameType], readable: frozenset[type]) -> None:
        self._frames: list[FrameType] = []
        self._ids: list[int] = []
        found: list[Any] = []
        is_function = map(and_, map(_flags, innermost), repeat(CO_OPTIMIZED))
        is_readable = map(contains, repeat(readable), map(type, map(_trace, innermost)))
        is_unaware = map(ASKS_FOR_LOCALS.isdisjoint, map(_names_used, innermost))
        chosen = map(mul, map(mul, is_function, is_readable), is_unaware)
        get = map(attrgetter("get"), chain.from_iterable(map(repeat, found)))
        values = map(call, get, chain.from_iterable(map(_names, self._frames)))
        self.steps: tuple[Callable[[], object], ...] = (
            partial(self._frames.extend, compress(innermost, islice(chosen, 1))),
            partial(found.extend, map(attrgetter("f_locals"), self._frames)),
            partial(self._ids.extend, map(id, values)),
            partial(deque, map(dict.clear, compress(found, repeat(COPIES_LOCALS))), 0),
            found.clear,
        )

    def ids(self) -> tuple[int, ...] | None:
        """Return the ids, once the steps have run; ``None`` if the frame was not asked."""
        if not self._frames:
            return None
        code = self._frames[0].f_code
        named = zip(code.co_varnames, self._ids, strict=True)
        return tuple(each for name, each in named if name not in code.co_cellvars)
