"""The live page's feed: stalls as they happen, over a WebSocket. Needs Channels; nothing else of loopwatch does.

Nothing is sent to the loop's thread, or anywhere, unless somebody may be looking.
"""

from typing import TYPE_CHECKING

from loopwatch.recording.sink import Sink, register_sink

if TYPE_CHECKING:
    from loopwatch.recording.health import Errors
    from loopwatch.recording.loop_times import LoopTimes


def register() -> None:
    """Register the sink "live"."""
    register_sink("live", _new_sink)


def _new_sink(errors: "Errors", _loop_times: "LoopTimes") -> Sink | None:
    from loopwatch.live.feed import feed  # noqa: PLC0415 - as late as the sink itself
    from loopwatch.live.live_sink import LiveSink  # noqa: PLC0415 - the views of the page do without it

    return LiveSink(errors) if feed.is_reachable else None
