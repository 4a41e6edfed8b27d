"""Offers the sink of the live page to recorders."""

from typing import TYPE_CHECKING

from loopwatch.recorder.sink import Sink, register_sink

if TYPE_CHECKING:
    from loopwatch.recorder.health import Errors
    from loopwatch.recorder.loop_times import LoopTimes


def register_live_sink() -> None:
    """Register the sink "live"."""
    register_sink("live", _new_sink)


def _new_sink(errors: "Errors", _loop_times: "LoopTimes") -> Sink | None:
    # Not before the first recorder: the start of a site that is never served need not wait for them.
    from loopwatch.live.feed import feed  # noqa: PLC0415
    from loopwatch.live.live_sink import LiveSink  # noqa: PLC0415

    return LiveSink(errors) if feed.is_reachable else None
