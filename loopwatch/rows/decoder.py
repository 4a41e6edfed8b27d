"""Decodes the JSON columns of the models."""

import json
from typing import Any


class ColumnDecoder(json.JSONDecoder):
    """Returns ``None`` for JSON that Python refuses, such as arrays nested a thousand deep or integers of 5,000 digits.

    Otherwise, every query that reads the row would raise the error.
    """

    def decode(self, text: str, *args: Any) -> Any:
        try:
            return super().decode(text, *args)
        except (RecursionError, ValueError):
            return None
