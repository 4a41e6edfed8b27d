"""Decodes the JSON columns of the models."""

import json
import re
from typing import Any

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class ColumnDecoder(json.JSONDecoder):
    """Returns ``None`` for JSON that Python refuses, such as arrays nested a thousand deep or integers of 5,000 digits.

    Otherwise, every query that reads the row would raise the error. Lone surrogates, which no page can be encoded with,
    become question marks.
    """

    def decode(self, text: str, *args: Any) -> Any:
        try:
            decoded = super().decode(text, *args)
            if _SURROGATE.search(text):
                whole = json.dumps(decoded, ensure_ascii=False).encode(errors="replace").decode()
                decoded = super().decode(whole, *args)
        except (RecursionError, ValueError):
            return None
        return decoded
