"""What a sink is, and the registry by which other rooms add theirs. The database is none: it is written in batches."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from loopwatch.detection.calls import BlockingCall
from loopwatch.recording.health import Errors

if TYPE_CHECKING:
    from loopwatch.recording.loop_times import LoopTimes


class Sink:
    """Takes one call after the other, always on the same thread; what it raises is logged once and counted."""

    name: str

    def emit(self, call: BlockingCall) -> None:
        """Hand the call on."""
        raise NotImplementedError

    def settle(self) -> None:
        """Do what was put off while other calls were waiting."""

    def close(self) -> None:
        """Release what belongs to the thread, which ends; another may follow."""


SinkFactory = Callable[[Errors, "LoopTimes"], Sink | None]
"""Makes the sink of a recorder, or returns ``None`` where the sink is not available. Must not raise."""

_factories: dict[str, SinkFactory] = {}


def register_sink(name: str, factory: SinkFactory) -> None:
    """Have recorders make this sink if ``SINKS`` names it."""
    _factories[name] = factory


def registered_sinks(names: Iterable[str], errors: Errors, loop_times: "LoopTimes") -> list[Sink]:
    """Make the registered sinks of these names, as far as they are available."""
    made = (_factories[name](errors, loop_times) for name in names if name in _factories)
    return [sink for sink in made if sink is not None]
