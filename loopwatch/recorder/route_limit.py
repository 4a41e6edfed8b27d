"""Limits how many routes a process names, because each adds rows to several tables, every hour."""

from datetime import datetime

from loopwatch.models import OTHER_ROUTES
from loopwatch.recorder.deltas import HourKey

ROUTES_PER_HOUR = 1_000
HOURS_REMEMBERED = 3


class RouteLimit:
    """Names the routes that are counted first in an hour, and adds up the others. Not thread-safe."""

    def __init__(self) -> None:
        self._named: dict[datetime, set[tuple[str, str]]] = {}

    def limited(self, key: HourKey) -> HourKey:
        """Return the key itself, or that of all other routes if enough routes of its hour have been named."""
        named = self._named.setdefault(key.hour, set())
        if len(self._named) > HOURS_REMEMBERED:
            earliest = min(self._named)
            del self._named[earliest]
            if earliest == key.hour:  # how many were named in it is not known any more
                return others(key)
        route = key.method, key.route
        if route not in named and len(named) >= ROUTES_PER_HOUR:
            return others(key)
        named.add(route)
        return key


def others(key: HourKey) -> HourKey:
    """Return the key of all routes of that hour that are not named."""
    return HourKey(key.hour, "", OTHER_ROUTES)
