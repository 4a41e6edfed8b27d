"""The attributes of a stall in metrics; their combinations are limited, because each is a time series that costs."""

from loopwatch.detection.calls import BlockingCall
from loopwatch.recorder import request_columns
from loopwatch.recorder.column_values import text

LIMIT = 500
"""The largest number of combinations that a process distinguishes."""
OTHER = "other"
_LONGEST = 200

Attributes = dict[str, str]


class BoundedAttributes:
    """Limits the attributes of one process. Only one thread may call ``of``."""

    def __init__(self) -> None:
        self._known = set[tuple[str, ...]]()

    def of(self, call: BlockingCall) -> Attributes:
        """Return the call's attributes; beyond ``LIMIT`` combinations, names become ``OTHER``: sums stay exact."""
        attributes = {
            "loopwatch.blocking_call": text(call.called_name or call.method_name, _LONGEST),
            "code.function.name": text(call.function, _LONGEST),
            "http.request.method": request_columns.method(call.request),
            "http.route": text(request_columns.route(call.request), _LONGEST),
        }
        names = tuple(attributes.values())
        if names not in self._known and len(self._known) >= LIMIT:
            attributes = dict.fromkeys(attributes, OTHER)
        else:
            self._known.add(names)
        return {name: value for name, value in attributes.items() if value} | {"loopwatch.cause": str(call.cause)}
