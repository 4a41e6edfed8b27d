"""Looks into the namespaces of loaded modules and classes without running any of their code."""

import inspect
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import CodeType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any

_OF_MODULE, _OF_CLASS = vars(ModuleType)["__dict__"], vars(type)["__dict__"]
_MODULE, _QUALNAME, _ANCESTORS = (vars(type)[each] for each in ("__module__", "__qualname__", "__mro__"))
_CLASS = vars(object)["__class__"]
IN_C = (GetSetDescriptorType, MemberDescriptorType)
"""The types of descriptors that run no Python code."""


def look_up(module: str, qualname: str) -> Any:
    """Return what a qualified name refers to, unbound; ``None`` if it is not known."""
    found: Any = sys.modules.get(module)
    for part in filter(None, qualname.split(".")):
        found = namespace_of(found).get(part)
    return found


def module_name(namespace: dict[str, Any]) -> str:
    """Return the name of the module with this namespace, or ``""``, without running code of an odd name's class."""
    name = dict.get(namespace, "__name__")
    return name if type(name) is str else ""


def namespace_of(of: Any) -> Mapping[str, Any]:
    """Return the namespace of a module or class, without running code of the module or its metaclass."""
    found: Mapping[str, Any] = {}
    if issubclass(type(of), type):
        found = _OF_CLASS.__get__(of)
    elif issubclass(type(of), ModuleType):
        found = _OF_MODULE.__get__(of) or found
    return found


def module_and_qualname(of: Any) -> tuple[str, str]:
    """Return the module and the qualified name of a function or class, without running code of it or its metaclass.

    Any other object that keeps no such names has those of its type.
    """
    if issubclass(type(of), type):
        module, qualname = _MODULE.__get__(of), _QUALNAME.__get__(of)
    elif type(of) is FunctionType:
        module, qualname = of.__module__, of.__qualname__
    else:
        module, qualname = own_attribute(of, "__module__"), own_attribute(of, "__qualname__")
        if type(qualname) is not str:
            return module_and_qualname(type(of))
    return module if type(module) is str else "", qualname


def ancestors(cls: type) -> tuple[type, ...]:
    """Return the ``__mro__`` of a class, without running code of its metaclass."""
    found: tuple[type, ...] = _ANCESTORS.__get__(cls)
    return found


def file_of_module(name: str) -> str:
    """Return the file of a loaded module; ``""`` if there is none.

    No code of the module runs: reading an attribute of a lazy module would import it on this thread.
    """
    file = namespace_of(sys.modules.get(name)).get("__file__")
    return file if type(file) is str else ""


def own_attribute(instance: Any, name: str) -> Any:
    """Return what an instance's dictionary has under a name, without running code of its class, or ``None``."""
    attributes = attribute_in_c(instance, "__dict__")
    return attributes.get(name) if type(attributes) is dict else None


def is_proxy(instance: Any) -> bool:
    """Return whether an object may say that it is of another class, as Django's lazy objects and wrapt's proxies do.

    Not even its ``__dict__`` can be read safely: a proxy written in C may evaluate the object it stands for to return
    that: https://github.com/GrahamDumpleton/wrapt/blob/1.17.0/src/wrapt/_wrappers.c
    """
    return _in_class(type(instance), "__class__") is not _CLASS


def computes_attributes(instance: Any) -> bool:
    """Return whether only code can say which attributes an object has: it is a proxy, or its class has a method."""
    methods = (_in_class(type(instance), name) for name in ("__getattr__", "__getattribute__"))
    return is_proxy(instance) or any(type(each) is FunctionType for each in methods)


def attribute_in_c(instance: Any, name: str) -> Any:
    """Return an attribute that the type of an instance computes in C, or keeps in a slot; ``None`` if it does not.

    That is so for the attributes of functions, methods and coroutines, Cython's included, but not for those of proxies.
    """
    if is_proxy(instance):
        return None
    descriptor = _in_class(type(instance), name)
    with suppress(AttributeError):  # an empty slot
        return descriptor.__get__(instance) if type(descriptor) in IN_C else None
    return None


def _in_class(cls: type, name: str) -> Any:
    """Return what a class or an ancestor keeps under a name, unbound."""
    return next((namespace[name] for namespace in map(namespace_of, ancestors(cls)) if name in namespace), None)


def static_attribute(of: Any, name: str, default: Any = None) -> Any:
    """Return an attribute as ``inspect.getattr_static`` finds it; ``default`` if that is impossible, or for a proxy.

    From Python 3.12 on it hashes classes, which a metaclass with ``__eq__`` and without ``__hash__`` does not allow:
    https://github.com/python/cpython/blob/v3.12.0/Lib/inspect.py (``_shadowed_dict_from_mro_tuple``).
    """
    if is_proxy(of):
        return default
    try:
        return inspect.getattr_static(of, name, default)
    except Exception:  # noqa: BLE001 - a metaclass may raise anything
        return default


def kept_attribute(of: Any, name: str) -> Any:
    """Return an attribute that an object or its class keeps; ``None`` for one that code of the site would compute."""
    found = static_attribute(of, name)
    if type(found) in IN_C:
        found = attribute_in_c(of, name)
    return None if issubclass(type(found), property) else found


def unbound(member: Any) -> Any:
    """Return the function that a class keeps as a static or class method, or as a property."""
    if type(member) is property:
        return member.fget
    # By identity: a metaclass may have an ``__eq__``.
    return member.__func__ if type(member) is staticmethod or type(member) is classmethod else member


def code_of(function: Any) -> CodeType | None:
    """Return the code of a plain Python function; ``None`` for anything else."""
    return function.__code__ if type(function) is FunctionType else None
