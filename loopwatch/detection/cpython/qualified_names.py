"""Qualified names of callables and code, as a user would write them."""

import functools
import sys
import types
from typing import Any

from loopwatch.detection.cpython.namespaces import (
    IN_C,
    ancestors,
    attribute_in_c,
    is_of,
    module_and_qualname,
    namespace_of,
    static_attribute,
)

# Maps names that the interpreter gives its own types to those that programs use.
_PUBLIC_NAMES = {
    "_thread.lock": "threading.Lock",
    "_thread.LockType": "threading.Lock",
    "_thread.RLock": "threading.RLock",
    "_socket.socket": "socket.socket",
    "_ssl._SSLSocket": "ssl.SSLSocket",
    "_ssl._SSLContext": "ssl.SSLContext",
    "_random": "random",
    "_blake2": "hashlib",
    "_io.open": "open",
    "io.open": "open",
    "posix": "os",
    "nt": "os",
    "genericpath": "os.path",
    "posixpath": "os.path",
    "ntpath": "os.path",
    "_json.Encoder": "json.JSONEncoder.encode",
    "_json.make_encoder": "json.JSONEncoder.encode",
    "_json.Scanner": "json.JSONDecoder.decode",
    "_json.make_scanner": "json.JSONDecoder.decode",
    "_ast": "ast",
    "re.prefixmatch": "re.match",  # the function's own name since Python 3.15, where both are public
    "_operator": "operator",
    "_abc": "abc",
    "_imp": "importlib",
}
_DESCRIPTORS = (
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.MethodWrapperType,
)
WRITTEN_IN_C = (types.BuiltinFunctionType, *_DESCRIPTORS)
"""The types of callables that are never written in Python."""
CYTHON_FUNCTION = "cython_function_or_method"
"""Every release of Cython has its own type of this name."""
_ENTER_METHODS = {f"threading.{lock}.__enter__": f"threading.{lock}.acquire" for lock in ("Lock", "RLock")}


def name_of_c_callable(function: Any) -> str:
    """Return a name like ``time.sleep``, ``sqlite3.Cursor.execute`` or ``sorted``, without running code of the site."""
    kind = type(function)
    if issubclass(kind, type):
        return _public(*module_and_qualname(function))
    if is_of(function, *_DESCRIPTORS):
        return _method(function.__objclass__, function.__name__)
    if issubclass(kind, types.BuiltinFunctionType):
        return _name_of_builtin(function)
    module, qualname = module_and_qualname(kind)
    if qualname == CYTHON_FUNCTION:
        return _public(_text(function, "__module__"), _text(function, "__qualname__"))
    if name := _given_name(function):
        return _public(module, name)
    # A callable instance runs the ``__call__`` of its type.
    call = namespace_of(_defining_class(kind, "__call__")).get("__call__")
    if issubclass(type(call), types.BuiltinFunctionType):
        return _name_of_builtin(call)
    return _public(module, qualname)


def _given_name(function: Any) -> str:
    """Return the ``__name__`` of an instance, which ctypes keeps in its dictionary, and NumPy has a C function for.

    That of a proxy is another object's.
    """
    name = static_attribute(function, "__name__")
    if is_of(name, *IN_C):
        name = name.__get__(function, type(function))
    return name if type(name) is str else ""


def _name_of_builtin(function: Any) -> str:
    bound_to = function.__self__
    if bound_to is None or issubclass(type(bound_to), types.ModuleType):
        return _public(_text(function, "__module__"), _text(function, "__qualname__"))
    if issubclass(type(bound_to), type):
        return _method(bound_to, function.__name__)
    return _method(_class_in_c(type(bound_to), function.__name__), function.__name__)


@functools.lru_cache(maxsize=4096)
def name_of_function(module: str, qualname: str) -> str:
    """Return the qualified name of a library's Python function, by the shortest public path that leads to it."""
    qualname = qualname.replace(".<locals>", "")
    return _public(module, qualname.removesuffix(".__init__").removesuffix(".__new__"))


def _method(owner: type, name: str) -> str:
    qualified = f"{_public(*module_and_qualname(owner))}.{name}"
    return _ENTER_METHODS.get(qualified, qualified)


def _defining_class(cls: type, name: str) -> type:
    return next((ancestor for ancestor in ancestors(cls) if name in namespace_of(ancestor)), cls)


def _class_in_c(cls: type, name: str) -> type:
    """Return the ancestor whose C method this is. Subclasses may override it in Python and call it by ``super()``."""
    in_c = (ancestor for ancestor in ancestors(cls) if is_of(namespace_of(ancestor).get(name), *_DESCRIPTORS))
    return next(in_c, None) or _defining_class(cls, name)


def _public(module: str, qualname: str) -> str:
    if module in ("builtins", ""):
        return qualname
    first, dot, rest = qualname.partition(".")
    if module == "_hashlib":
        return f"hashlib.{qualname.removeprefix('openssl_')}"
    if f"{module}.{first}" in _PUBLIC_NAMES:
        return _PUBLIC_NAMES[f"{module}.{first}"] + dot + rest
    module = _PUBLIC_NAMES.get(module) or _public_module(module, first)
    return f"{module}.{qualname}"


def _public_module(module: str, name: str) -> str:
    """Return the module that users import a name from: a public parent, or a public module beside a private one."""
    namespace = namespace_of(sys.modules.get(module))
    if name not in namespace:
        # An accelerator's type may name a module that is not loaded, or does not have it: ``_io`` serves ``io``.
        return module.removeprefix("_") if _has(module.removeprefix("_"), name) else module
    wanted = namespace[name]
    parts = module.split(".")
    for length in range(1, len(parts)):
        parent = ".".join(parts[:length])
        if _has(parent, name, wanted):
            return parent
    if not any(part.startswith("_") for part in parts):
        return module
    top = parts[0].removeprefix("_")
    candidates = [other for other in list(sys.modules) if other.split(".")[0] == top and "._" not in f".{other}"]
    holders = [other for other in candidates if _has(other, name, wanted)]
    return min(holders, key=lambda other: (other.count("."), other), default=module)


def _has(module: str, name: str, wanted: object = None) -> bool:
    found = namespace_of(sys.modules.get(module)).get(name)
    return found is not None and (wanted is None or found is wanted)


def _text(of: object, attribute: str) -> str:
    """Return an attribute of a function that is written in C."""
    value = attribute_in_c(of, attribute)
    return value if type(value) is str else ""
