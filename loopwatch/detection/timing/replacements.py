"""Replaces attributes of classes, modules and objects, and restores them."""

from dataclasses import dataclass
from typing import Any

_INHERITED = object()


@dataclass(frozen=True, slots=True)
class Replacement:
    """One attribute that was replaced; ``original`` is ``_INHERITED`` if the owner itself did not have it."""

    owner: Any
    name: str
    replacement: object
    original: object


class Replacements:
    """The attributes that one feature has replaced. Only one thread may call the methods at a time."""

    def __init__(self) -> None:
        self._made: list[Replacement] = []

    def replace(self, owner: Any, name: str, replacement: object) -> None:
        """Replace an attribute; raises what setting it raises, such as ``TypeError`` for a class written in C."""
        original = vars(owner).get(name, _INHERITED)
        setattr(owner, name, replacement)
        self._made.append(Replacement(owner, name, replacement, original))

    def restore(self) -> None:
        """Restore every attribute, except those that other code has replaced since."""
        while self._made:
            made = self._made.pop()
            if vars(made.owner).get(made.name) is not made.replacement:
                continue
            if made.original is _INHERITED:
                delattr(made.owner, made.name)
            else:
                setattr(made.owner, made.name, made.original)
