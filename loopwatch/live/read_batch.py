"""Reads batches from the channel layer, whose content is untrusted.

Anyone who can write to the layer can send anything, and during a deploy other versions of loopwatch send batches too.
Unknown keys are ignored; a batch with any other fault is refused as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any

from loopwatch.live.batch import LINES_LIMIT, MESSAGE_TYPE, SECONDS_LIMIT, TEXT_LIMIT, Line, LiveBatch

LARGEST_INTEGER = 2**53 - 1
"""The largest integer that is exact in JavaScript."""
LARGEST_NUMBER = 8.64e15
"""The latest ``Date`` of JavaScript, in milliseconds since the epoch."""


class NotABatchError(ValueError):
    """The message is not a batch. The text names keys and types only, because values may be anything."""


def read_batch(message: object) -> LiveBatch:
    """Return the batch that ``LiveBatch.as_message`` turned into this message. Raises ``NotABatchError``.

    Runs on the loop's thread: its cost is bounded, because too long sequences are refused before they are read.
    """
    fields = _Fields.of(message)
    if fields.text("type") != MESSAGE_TYPE:
        raise NotABatchError("it is of another type")
    lines, seconds = fields.sequence("lines", LINES_LIMIT), fields.sequence("blocked", SECONDS_LIMIT)
    batch = LiveBatch(
        process=fields.text("process"),
        seen=fields.integer("seen"),
        count=fields.integer("count"),
        lines=tuple(_line(_Fields.of(line)) for line in lines),
        blocked=dict(map(_second, seconds)),
    )
    if batch.count > batch.seen:
        raise NotABatchError("count is greater than seen")
    return batch


def _line(fields: "_Fields") -> Line:
    read: dict[Any, Any] = {str: fields.text, int: fields.integer, float: fields.number, bool: fields.flag}
    return Line(**{field.name: read[field.type](field.name) for field in fields_of(Line)})


def _second(pair: object) -> tuple[int, float]:
    if not isinstance(pair, list | tuple) or len(pair) != len(("second", "blocked_ms")):
        raise NotABatchError("blocked is not a list of pairs")
    fields = _Fields({"second": pair[0], "blocked_ms": pair[1]})
    return fields.integer("second"), fields.number("blocked_ms")


@dataclass(frozen=True, slots=True)
class _Fields:
    """Wraps a dictionary, and checks its values as they are read."""

    values: Mapping[Any, Any]

    @classmethod
    def of(cls, values: object) -> "_Fields":
        if not isinstance(values, dict):
            raise NotABatchError(f"a value {_kind(values)} is not a dictionary")
        return cls(values)

    def text(self, key: str) -> str:
        value = self._value(key, str)
        if len(value) > TEXT_LIMIT:
            raise NotABatchError(f"{key} is too long")
        return str(value)

    def integer(self, key: str) -> int:
        return int(self._within(key, self._value(key, int), LARGEST_INTEGER))

    def number(self, key: str) -> float:
        return float(self._within(key, self._value(key, float, int), LARGEST_NUMBER))

    def flag(self, key: str) -> bool:
        return bool(self._value(key, bool))

    def sequence(self, key: str, limit: int) -> list[Any] | tuple[Any, ...]:
        value: list[Any] | tuple[Any, ...] = self._value(key, list, tuple)
        if len(value) > limit:
            raise NotABatchError(f"{key} is too long")
        return value

    def _value(self, key: str, *types: type) -> Any:
        if key not in self.values:
            raise NotABatchError(f"{key} is missing")
        value = self.values[key]
        if type(value) not in types:  # True is an int to isinstance
            raise NotABatchError(f"{key} is {_kind(value)}")
        return value

    @staticmethod
    def _within(key: str, value: float, largest: float) -> float:
        if not 0 <= value <= largest:  # also true for NaN
            raise NotABatchError(f"{key} is out of range")
        return value


def _kind(value: object) -> str:
    return f"of type {type(value).__name__}"
