"""Determines what is stored of a call, with its event and with its finding."""

from typing import Any

from loopwatch.detection.calls import BlockingCall, OtherPlace
from loopwatch.recorder.column_values import integer, microseconds, path_text, text
from loopwatch.recorder.deltas import CallDescription
from loopwatch.recorder.paths import shorten

_NOWHERE = OtherPlace("", "", 0, 0.0)


def call_columns(call: BlockingCall | CallDescription) -> dict[str, Any]:
    """Return the columns of ``abstract_models.CallColumns``."""
    other = call.other_place or _NOWHERE
    return {
        "blocking_call": text(call.method_name, 300),
        "called_name": text(call.called_name, 300),
        "filename": path_text(shorten(call.filename), 500),
        "lineno": integer(call.lineno),
        "source": text(call.source, 500),
        "cause": text(call.cause, 20),
        "exact": call.exact,
        "other_function": text(other.function, 300),
        "other_called_name": text(other.called_name, 300),
        "other_lineno": integer(other.lineno),
        "other_us": microseconds(other.duration_ms),
        "calls_seen": integer(call.calls_seen),
    }
