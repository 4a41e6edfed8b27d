"""Takes the stalls of one loop from detection and hands to the recorder what the settings include."""

from dataclasses import replace
from typing import TYPE_CHECKING

from loopwatch.conf import Configuration
from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.path_filter import PathFilter
from loopwatch.detection.timing.loop_clock import LoopClock
from loopwatch.recorder.ongoing_stalls import OngoingStalls

if TYPE_CHECKING:
    from loopwatch.recorder.recorder import Recorder


class SiteSubscriber:
    """Subscribes to the stalls of one loop, whose ``clock`` it keeps, and hands them to the recorder.

    It ``counts_kept_out`` once the loop serves requests. A loop that serves none may end with its last stall, and
    would never say that it is idle, which the report of that stall would wait for.
    """

    def __init__(self, configuration: Configuration, recorder: "Recorder") -> None:
        self.engine = configuration.engine
        self.threshold_s = configuration.threshold_ms / 1000
        self.ongoing_after_s = configuration.ongoing_after_s
        self.counts_kept_out = False
        self.calls_dropped = 0
        self.entered = 0.0
        self.clock: LoopClock | None = None
        self._filter = PathFilter(tuple(configuration.include_paths), tuple(configuration.exclude_paths))
        self._recorder = recorder
        self._recorded = OngoingStalls[BlockingCall]()

    def receive(self, call: BlockingCall) -> None:
        """Hand a stall to the recorder, which has a machine stall logged only. Runs on the watchdog's thread."""
        earlier = self._recorded.pop(call)
        holder = None if earlier else self._holder_to_record(call)
        self._recorder.loop_times.add_pause(holder or call)
        if call.cause.is_machine:
            if earlier is None:
                self._recorder.log_machine_stall(call)
        elif self._filter.accepts(call):
            self._recorded.keep(call, call)
            self._recorder.put(call)
            return
        if earlier is not None:
            self._end_as_recorded(call, earlier)
        elif holder is not None:
            self._recorder.put(holder)

    def _holder_to_record(self, call: BlockingCall) -> BlockingCall | None:
        """Return the report of the thread that kept the GIL, if the settings include it. The pause is over then."""
        holder = call.held_by
        if holder is None or call.ongoing or not self._filter.accepts(holder):
            return None
        return replace(holder, kept_out=call.kept_out)

    def _end_as_recorded(self, call: BlockingCall, earlier: BlockingCall) -> None:
        """End a stall as its ``earlier`` report said, because no call is to blame for what followed."""
        self._recorded.keep(call, earlier)
        if not call.ongoing:
            self._recorder.put(replace(earlier, ongoing=False, kept_out=call.kept_out))
