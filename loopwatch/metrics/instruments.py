"""The instruments, made once a process; docs/metrics.md says what they count."""

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Observation, get_meter

from loopwatch._version import __version__
from loopwatch.histogram import BOUNDS_MS

if TYPE_CHECKING:
    from loopwatch.recorder.loop_times import LoopFigures, LoopTimes

_BOUNDS_S = [bound_ms / 1000 for bound_ms in BOUNDS_MS]
_MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Instruments:
    """Counters and histograms; durations are in seconds, as OpenTelemetry's conventions want."""

    stalls: Counter
    stall_duration: Histogram
    requests_delayed: Counter
    delay: Histogram
    requests_kept_out: Counter
    kept_out: Histogram


class Gauges:
    """Observes the statistics of the recorder that was made last, as long as it exists."""

    def __init__(self) -> None:
        self._loop_times: weakref.ref[LoopTimes] | None = None

    def read(self, loop_times: "LoopTimes") -> None:
        """Observe these statistics from now on."""
        self._loop_times = weakref.ref(loop_times)

    def busy(self, _: CallbackOptions) -> Iterable[Observation]:
        """Yield the part of the last full minute in which loops ran steps."""
        for figures in self._latest():
            if figures.busy_us is not None:
                yield Observation(figures.busy_us / _MINUTE_US)

    def lag(self, _: CallbackOptions) -> Iterable[Observation]:
        """Yield the longest pause of the last full minute."""
        for figures in self._latest():
            yield Observation(figures.impact.longest_us / 1_000_000)

    def _latest(self) -> "Iterable[LoopFigures]":
        loop_times = self._loop_times() if self._loop_times else None
        if loop_times is not None:
            yield loop_times.latest_minute()


gauges = Gauges()


@cache
def instruments() -> Instruments:
    """Make the instruments, once: a meter that is asked twice for the same instrument logs a warning."""
    meter = get_meter("loopwatch", __version__)
    meter.create_observable_gauge(
        "loopwatch.loop.busy", [gauges.busy], "1", "Part of the last full minute in which the event loop ran steps"
    )
    meter.create_observable_gauge(
        "loopwatch.loop.lag", [gauges.lag], "s", "Longest pause of the event loop in the last full minute"
    )
    return Instruments(
        stalls=meter.create_counter("loopwatch.stalls", "{stall}", "Steps that blocked the event loop"),
        stall_duration=meter.create_histogram(
            "loopwatch.stall.duration",
            "s",
            "How long calls blocked the event loop",
            explicit_bucket_boundaries_advisory=_BOUNDS_S,
        ),
        requests_delayed=meter.create_counter(
            "loopwatch.requests.delayed", "{request}", "Other requests that waited while the event loop was blocked"
        ),
        delay=meter.create_histogram(
            "loopwatch.delay",
            "s",
            "How long the other requests waited, together, for one stall",
            explicit_bucket_boundaries_advisory=_BOUNDS_S,
        ),
        requests_kept_out=meter.create_counter(
            "loopwatch.requests.kept_out", "{request}", "Requests that could not arrive during a stall (estimate)"
        ),
        kept_out=meter.create_histogram(
            "loopwatch.kept_out",
            "s",
            "How long the requests that could not arrive waited, together, for one stall (estimate)",
            explicit_bucket_boundaries_advisory=_BOUNDS_S,
        ),
    )
