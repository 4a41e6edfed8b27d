"""The result of reading one column."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Column(Generic[Value]):
    """The readable entries of a column; ``is_damaged`` if there were others."""

    values: tuple[Value, ...] = ()
    is_damaged: bool = False


def read_entries(stored: object, read: Callable[[object], Value | None], limit: int) -> Column[Value]:
    """Read a list entry by entry. ``read`` returns ``None`` for an entry that it does not understand."""
    if not isinstance(stored, list):
        return Column(is_damaged=True)
    values = tuple(value for value in map(read, stored[:limit]) if value is not None)
    return Column(values, is_damaged=len(values) < len(stored))


def is_number(value: float, largest: float) -> bool:
    """Return whether a figure is within its limits; NaN never is."""
    return 0 <= value <= largest
