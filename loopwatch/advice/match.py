"""Finds the advice that fits a blocking call."""

import builtins
from typing import Final

from loopwatch.advice.advice import Advice
from loopwatch.advice.catalogue import ALL
from loopwatch.advice.catalogue.causes import COMPUTING, GIL_HELD, LAZY_IMPORT, REPEATED_QUERY, UNKNOWN, WAITING

_BY_NAME: Final = {name: advice for advice in ALL for name in advice.names}
_BY_EXACT_NAME: Final = {name: advice for advice in ALL for name in advice.exact_names}
# An import, a collection or a thread that keeps the GIL has the same cure regardless of the call that caused it.
_BY_CAUSE_FIRST: Final = {
    "GIL held by a thread": GIL_HELD,
    "importing": _BY_NAME["import"],
    "garbage collection": _BY_NAME["gc"],
}
_QUERIES: Final = frozenset({"orm", "database", "psycopg", "sqlalchemy"})
_MAKE_QUERIES: Final = frozenset({"form", "template", "serializer", "shortcuts"})
_FETCH_ROWS: Final = frozenset({"fetchone", "fetchmany", "fetchall", "__next__"})
_MANY_CALLS: Final = 5
_LAZY_SUFFIX: Final = " (lazy)"
_BUILT_IN: Final = frozenset(vars(builtins))
_BY_CAUSE_LAST: Final = {"computing": COMPUTING, "waiting": WAITING}


def advice_for(
    blocking_call: str, *, cause: str, called_name: str | None = None, leaf_name: str = "", calls_seen: int = 1
) -> Advice:
    """Return the advice for a stall, by the names and the cause of its ``BlockingCall``; there always is one.

    The call in the user's line (``called_name``, by default the blocking call) decides first: ``requests.get`` can be
    replaced there, the ``socket.recv`` inside it cannot. If the call in the line only runs code or iterates over data
    that it is given, the blocking call decides first: in ``sorted(books, key=price_of)``, the query in ``price_of``
    blocks. The innermost function decides last, and only for a wait: which function of a library happened to compute
    says nothing. Many queries in one step (``calls_seen``) have their own advice, unless they are calls that fetch the
    rows of one query.
    """
    if blocking_call.endswith(_LAZY_SUFFIX):
        return LAZY_IMPORT
    if cause in _BY_CAUSE_FIRST:
        return _BY_CAUSE_FIRST[cause]
    called_name = blocking_call if called_name is None else called_name
    called, blocking = advice_by_name(called_name), _advice_inside(called_name, blocking_call)
    first = blocking if called and called.runs_given_code else called
    leaf = _advice_inside(called_name, leaf_name) if cause == "waiting" else None
    found = first or blocking or called or leaf or _BY_CAUSE_LAST.get(cause, UNKNOWN)
    is_query = found.topic in _QUERIES or (found.topic in _MAKE_QUERIES and blocking and blocking.topic in _QUERIES)
    is_repeated = calls_seen >= _MANY_CALLS and called_name.rpartition(".")[2] not in _FETCH_ROWS
    return REPEATED_QUERY if is_query and is_repeated else found


def _advice_inside(called_name: str, name: str) -> Advice | None:
    """Return the advice for what a call in the user's line leads to, if the user can follow it.

    Functions of Python itself, such as ``any``, call what the line gives them. Other functions call what they need.
    """
    advice = advice_by_name(name)
    is_given = name == called_name or called_name.partition(".")[0] in _BUILT_IN
    return None if advice and advice.changes_the_call and not is_given else advice


def advice_by_name(name: str) -> Advice | None:
    """Return the advice for the longest dotted prefix of the name; ``import pandas`` counts as ``import``.

    In the asynchronous half of a package, only exact names have advice: the code uses that half already.
    """
    name = name.partition(" ")[0]
    if name in _BY_EXACT_NAME or any(map(_is_asynchronous, name.split("."))):
        return _BY_EXACT_NAME.get(name)
    while name:
        if name in _BY_NAME:
            return _BY_NAME[name]
        name = name.rpartition(".")[0]
    return None


def _is_asynchronous(part: str) -> bool:
    return part in {"asyncio", "aio", "asynchronous"} or part.startswith("Async")
