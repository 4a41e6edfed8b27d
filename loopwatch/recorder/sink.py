"""Defines the sinks that get calls one by one, and registers those of other packages."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from loopwatch.detection.calls import BlockingCall

if TYPE_CHECKING:
    from loopwatch.recorder.health import Errors
    from loopwatch.recorder.loop_times import LoopTimes


class Sink:
    """Gets calls one by one, on the sink's own thread. Its exceptions are counted, and the first one is logged."""

    name: str

    def emit(self, call: BlockingCall) -> None:
        """Hand the call on."""
        raise NotImplementedError

    def settle(self) -> None:
        """Do what was postponed while other calls were waiting."""

    def close(self) -> None:
        """Release what belongs to the thread, because it ends. Another thread may follow."""


SinkFactory = Callable[["Errors", "LoopTimes"], Sink | None]
"""Makes the sink of a recorder, or returns ``None`` where the sink is not available. Must not raise."""

_factories: dict[str, SinkFactory] = {}


def register_sink(name: str, factory: SinkFactory) -> None:
    """Have recorders make this sink if ``SINKS`` names it."""
    _factories[name] = factory


def registered_sinks(names: Iterable[str], errors: "Errors", loop_times: "LoopTimes") -> list[Sink]:
    """Make the registered sinks of these names, as far as they are available."""
    made = (_factories[name](errors, loop_times) for name in names if name in _factories)
    return [sink for sink in made if sink is not None]
