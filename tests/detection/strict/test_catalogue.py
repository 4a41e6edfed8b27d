"""The catalogue of calls known to block: complete beside others', and true of the interpreter it runs on."""

import builtins
import inspect
import pkgutil
import select
import threading
import types

import pytest

from loopwatch.detection.cpython.qualified_names import name_of_c_callable
from loopwatch.detection.strict.catalogue import HARMLESS, IN_C, IN_PYTHON
from tests.detection.strict import peers

NAMES = {known.name for known in (*IN_C.values(), *IN_PYTHON.values())}
# Of packages that the tests do not need, or of modules that some versions of Python do not have.
ELSEWHERE = {"psycopg2", "MySQLdb", "pymysql", "nntplib", "pathlib._local"}


@pytest.mark.parametrize("tool", ["BLOCKBUSTER", "AIOCOP"])
def test_every_call_that_other_tools_know_is_known(tool):
    others = {peers.CALLED.get(name, name) for name in getattr(peers, tool).split()}
    assert others - NAMES == set()


def test_what_blockbuster_knows_is_as_listed():
    blockbuster = pytest.importorskip("blockbuster", reason="blockbuster is with the peers (make matrix)")
    assert sorted(blockbuster.BlockBuster().functions) == peers.BLOCKBUSTER.split()


def test_what_aiocop_knows_is_as_listed():
    aiocop = pytest.importorskip("aiocop", reason="aiocop is with the peers (make matrix)")
    assert sorted(aiocop.get_blocking_events_dict()) == peers.AIOCOP.split()


def is_elsewhere(name):
    return any(name == module or name.startswith(f"{module}.") for module in ELSEWHERE)


# What a program calls by a name that is not its type's.
TYPES = {
    "threading.Lock": type(threading.Lock()),
    "threading.RLock": type(threading.RLock()),
    "select.poll": type(select.poll()),
    "select.epoll": select.epoll,
}


def resolve(name):
    """The object of a dotted name; a builtin has no dot."""
    owner, _, attribute = name.rpartition(".")
    if owner in TYPES:
        return getattr(TYPES[owner], attribute)
    return pkgutil.resolve_name(name) if owner else getattr(builtins, name)


@pytest.mark.parametrize("name", [name for name in IN_C if not is_elsewhere(name)])
def test_a_c_function_has_the_name_it_is_listed_by(name):
    try:
        function = resolve(name)
    except AttributeError:
        pytest.skip(f"This platform has no {name}")
    assert not isinstance(function, types.FunctionType)
    assert name_of_c_callable(function) == name


def function_of(module, qualname):
    """The Python function of that name, without what a decorator has put around it; ``None`` if there is none."""
    try:
        found = inspect.unwrap(pkgutil.resolve_name(f"{module}:{qualname}"))
    except AttributeError:
        return None
    found = getattr(found, "__func__", found)
    is_there = isinstance(found, types.FunctionType) and found.__globals__["__name__"] == module
    return found if is_there else None


# Where other versions of Python than this one have them.
MOVED = {
    ("pathlib", "Path.glob"),
    ("pathlib", "Path.rglob"),
    ("pathlib", "Path.walk"),
    ("posixpath", "islink"),
    ("genericpath", "islink"),
    ("os", "_walk"),
}


@pytest.mark.parametrize(
    "key", [key for key in (*IN_PYTHON, *sorted(HARMLESS)) if not is_elsewhere(key[0])], ids=":".join
)
def test_a_python_function_is_where_it_is_said_to_be(key):
    function = function_of(*key)
    if function is None:
        assert key in MOVED
    else:
        assert function.__code__.co_qualname == key[1]


def test_what_has_moved_is_known_where_it_is_now():
    for name in ("pathlib.Path.glob", "os.path.islink", "os.walk"):
        assert any(function_of(*key) for key, known in IN_PYTHON.items() if known.name == name)
