"""Reads which objects the variables of a frame refer to, so that samples tell one call of a C function from the next.

A C function has no frame. But while a frame is in a call, none of its variables can change that only its own code can
assign: those of a function that no inner function shares. So if two samples show a frame in the same call with other
variables, it has made the call again: ``for row in rows: compress(row)``. Only the ids of the objects are kept.
"""

import sys
from collections.abc import Callable
from functools import partial
from inspect import CO_OPTIMIZED
from itertools import chain, compress, islice, repeat
from operator import and_, attrgetter, call
from types import FrameType
from typing import Any

COPIES_LOCALS = sys.version_info < (3, 13)
"""Before Python 3.13, ``f_locals`` of a function is a copy that the frame keeps and the site's code may hold, too."""
_flags, _names = attrgetter("f_code.co_flags"), attrgetter("f_code.co_varnames")


class ReadsVariables:
    """Reads the variables of the innermost frame while the walk along the stack keeps the GIL.

    ``innermost`` is the list that the walk fills. Nothing is read where reading would change what the site may see.
    """

    steps: tuple[Callable[[], object], ...] = ()

    def __init__(self, innermost: list[FrameType]) -> None:
        self._frames: list[FrameType] = []
        self._ids: list[int] = []
        if COPIES_LOCALS:
            return
        found: list[Any] = []
        is_function = map(and_, map(_flags, innermost), repeat(CO_OPTIMIZED))
        get = map(attrgetter("get"), chain.from_iterable(map(repeat, found)))
        values = map(call, get, chain.from_iterable(map(_names, self._frames)))
        self.steps = (
            partial(self._frames.extend, compress(innermost, islice(is_function, 1))),
            partial(found.extend, map(attrgetter("f_locals"), self._frames)),
            partial(self._ids.extend, map(id, values)),
            found.clear,
        )

    def ids(self) -> tuple[int, ...] | None:
        """Return the ids, once the steps have run; ``None`` if the frame was not asked."""
        if not self._frames:
            return None
        code = self._frames[0].f_code
        named = zip(code.co_varnames, self._ids, strict=True)
        return tuple(each for name, each in named if name not in code.co_cellvars)
