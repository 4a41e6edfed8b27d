"""The clock that all of detection shares: monotonic seconds as a float, at the highest resolution there is.

All of detection takes its other clocks from ``own_time``, too.
"""

from datetime import UTC, datetime, timedelta
from importlib.machinery import BuiltinImporter, ModuleSpec
from importlib.util import module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING

NEVER = float("inf")


def _second_instance() -> ModuleType:
    """Return a second instance of the module ``time``, which no other code knows.

    Tests replace functions of the first instance, and freezegun does so in every module that has them. With a frozen
    clock, the steps of a test would seem to take no time, or decades:
    https://github.com/spulec/freezegun/blob/1.5.5/freezegun/api.py#L779-L832
    """
    time = module_from_spec(ModuleSpec("time", BuiltinImporter))  # type: ignore[arg-type]  # its methods are static
    BuiltinImporter.exec_module(time)
    return time


if TYPE_CHECKING:
    import time

    own_time = time
else:
    own_time = _second_instance()

now = own_time.perf_counter


def utc_of(moment: float) -> datetime:
    """Return the date and time of a moment of ``now()``."""
    return datetime.now(UTC) - timedelta(seconds=now() - moment)
