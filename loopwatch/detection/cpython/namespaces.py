"""Looks into the namespaces of loaded modules and classes without running any of their code."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from types import CodeType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any, cast

_OF_MODULE, _OF_CLASS = vars(ModuleType)["__dict__"], vars(type)["__dict__"]
_MODULE, _QUALNAME, _ANCESTORS = (vars(type)[each] for each in ("__module__", "__qualname__", "__mro__"))
_CLASS = vars(object)["__class__"]
_MISSING = object()
IN_C = (GetSetDescriptorType, MemberDescriptorType)
"""The types of descriptors that run no Python code."""


def _kind_of_locals() -> type:
    return type(sys._getframe().f_locals)  # noqa: SLF001


_LOCALS = _kind_of_locals()
"""What a function's ``f_locals`` is: a dictionary, and from Python 3.13 on a type of its own."""


def look_up(module: str, qualname: str) -> Any:
    """Return what a qualified name refers to, unbound; ``None`` if it is not known."""
    found: Any = sys.modules.get(module)
    for part in filter(None, qualname.split(".")):
        found = namespace_of(found).get(part)
    return found


def is_of(instance: object, *kinds: type) -> bool:
    """Return whether an object's type is one of these, by identity: the type's metaclass may have an ``__eq__``."""
    kind = type(instance)
    return any(kind is each for each in kinds)


def variable(variables: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """Return a variable of a frame's globals or locals, without running code of an odd mapping's class.

    Code that ``exec()`` runs may have any mapping as locals, and a subclass of ``dict`` as globals.
    """
    if issubclass(type(variables), dict):
        return dict.get(cast("dict[str, Any]", variables), name, default)
    return variables.get(name, default) if type(variables) is _LOCALS else default


def module_name(variables: Mapping[str, Any]) -> str:
    """Return the name of the module with these globals, or ``""``, without running code of an odd name's class."""
    name = variable(variables, "__name__")
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
    return module if type(module) is str else "", qualname if type(qualname) is str else ""


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


def own_attribute(instance: Any, name: str, default: Any = None) -> Any:
    """Return what an instance's dictionary has under a name, without running code of its class."""
    attributes = attribute_in_c(instance, "__dict__")
    return attributes.get(name, default) if type(attributes) is dict else default


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
        return descriptor.__get__(instance) if is_of(descriptor, *IN_C) else None
    return None


def _in_class(cls: type, name: str, default: Any = None) -> Any:
    """Return what a class or an ancestor keeps under a name, unbound."""
    return next((namespace[name] for namespace in map(namespace_of, ancestors(cls)) if name in namespace), default)


def static_attribute(of: Any, name: str, default: Any = None) -> Any:
    """Return what an object or its class keeps under a name, unbound; ``default`` if that is nothing, or for a proxy.

    ``inspect.getattr_static`` asks metaclasses: https://github.com/python/cpython/blob/v3.11.0/Lib/inspect.py
    (``_check_class``).
    """
    if is_proxy(of):
        return default
    in_class = _in_class(type(of), name, _MISSING)
    own = _in_class(of, name, _MISSING) if issubclass(type(of), type) else own_attribute(of, name, _MISSING)
    found = in_class if own is _MISSING or (in_class is not _MISSING and _is_data_descriptor(in_class)) else own
    return default if found is _MISSING else found


def _is_data_descriptor(member: Any) -> bool:
    return any(_in_class(type(member), each, _MISSING) is not _MISSING for each in ("__set__", "__delete__"))


def kept_attribute(of: Any, name: str) -> Any:
    """Return an attribute that an object or its class keeps; ``None`` for one that code of the site would compute."""
    found = static_attribute(of, name)
    if is_of(found, *IN_C):
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
