"""Checks that loopwatch can read the interpreter's bytecode, and that the GIL is on."""

from typing import Any

from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name

from loopwatch.detection.cpython.free_threading import LEFT_OUT, is_gil_enabled
from loopwatch.detection.cpython.known_versions import is_later_than_known, what_is_not_known


def check_interpreter(**_: Any) -> list[CheckMessage]:
    """loopwatch.W009: this version of Python is later than the last one whose bytecode loopwatch can read."""
    if not is_later_than_known():
        return []
    return [
        Warning(
            what_is_not_known(),
            hint="Look for a later version of loopwatch. The tracing engine does not read bytecode.",
            id="loopwatch.W009",
        )
    ]


def check_gil(**_: Any) -> list[CheckMessage]:
    """loopwatch.W012: the GIL is off, so blocking calls are not named."""
    if is_gil_enabled():
        return []
    hint = "Start Python with PYTHON_GIL=1 to have the calls named, or silence this."
    return [Warning(LEFT_OUT, hint=hint, id="loopwatch.W012")]
