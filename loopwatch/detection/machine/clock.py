"""The clock that all of detection shares: monotonic seconds as a float, at the highest resolution there is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.machinery import BuiltinImporter, ModuleSpec
from importlib.util import module_from_spec

NEVER = float("inf")


def _perf_counter() -> Callable[[], float]:
    """Return ``time.perf_counter`` of a second instance of the module, which no other code knows.

    freezegun replaces the function of the first instance in every module that has it. With a frozen clock, the steps of
    a test would seem to take no time, or decades:
    https://github.com/spulec/freezegun/blob/1.5.5/freezegun/api.py#L779-L832
    """
    time = module_from_spec(ModuleSpec("time", BuiltinImporter))  # type: ignore[arg-type]  # its methods are static
    BuiltinImporter.exec_module(time)
    clock: Callable[[], float] = time.perf_counter
    return clock


now = _perf_counter()


def utc_of(moment: float) -> datetime:
    """Return the date and time of a moment of ``now()``."""
    return datetime.now(UTC) - timedelta(seconds=now() - moment)
