"""Expressions: what bytecode says about a value, by names, attributes, items and results of calls.

``text`` is the expression as the source would write it; empty if it cannot be written.
"""

from dataclasses import dataclass
from enum import Enum, auto
from types import FunctionType


class Scope(Enum):
    LOCAL = auto()
    GLOBAL = auto()
    ANY = auto()


@dataclass(frozen=True, slots=True)
class Name:
    name: str
    scope: Scope

    @property
    def text(self) -> str:
        return self.name if self.name.isidentifier() else ""  # the iterator of a comprehension is called ``.0``


@dataclass(frozen=True, slots=True)
class Attribute:
    of: "Expression"
    name: str

    @property
    def text(self) -> str:
        return f"{self.of.text}.{self.name}" if self.of.text else ""


@dataclass(frozen=True, slots=True)
class SuperAttribute:
    name: str

    @property
    def text(self) -> str:
        return f"super().{self.name}"


@dataclass(frozen=True, slots=True)
class SpecialMethod:
    """A method that a statement calls without naming it. It is looked up on the type, not on the object."""

    of: "Expression"
    name: str

    @property
    def text(self) -> str:
        return f"{self.of.text}.{self.name}" if self.of.text else ""


@dataclass(frozen=True, slots=True)
class Item:
    """The value of a subscript."""

    of: "Expression"
    key: "Expression"

    @property
    def text(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a call."""

    of: "Expression"

    @property
    def text(self) -> str:
        return f"{self.of.text}()" if self.of.text else ""


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is written in the source."""

    value: object

    @property
    def text(self) -> str:
        return type(self.value).__name__


@dataclass(frozen=True, slots=True)
class New:
    """A value made on the spot, of which only the type is known: a list display, an f-string, a lambda."""

    type: type

    @property
    def text(self) -> str:
        return "" if self.type is FunctionType else self.type.__name__


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value computed in a way that names nothing."""

    @property
    def text(self) -> str:
        return ""


Expression = Name | Attribute | SuperAttribute | SpecialMethod | Item | Result | Constant | New | Unknown
