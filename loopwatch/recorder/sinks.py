"""The sinks for the log, the signal and the callback.

An ongoing stall reaches the signal and the callback repeatedly, under the same ``stall_id``, until it has ended. The
log gets one line.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loopwatch.conf import Configuration
from loopwatch.detection.calls import BlockingCall, Cause, ThreadStack
from loopwatch.detection.loggers import logger_of
from loopwatch.escaping.log import log_text
from loopwatch.headline import at_least
from loopwatch.recorder import request_columns
from loopwatch.recorder.column_values import milliseconds
from loopwatch.recorder.health import Errors
from loopwatch.recorder.log_throttle import LogThrottle
from loopwatch.recorder.ongoing_stalls import OngoingStalls
from loopwatch.recorder.paths import shorten
from loopwatch.recorder.sink import Sink, registered_sinks
from loopwatch.signals import blocking_call
from loopwatch.wording.delays import delayed_in_words

if TYPE_CHECKING:
    from loopwatch.recorder.loop_times import LoopTimes


LONGEST_SOURCE = 200
FRAMES_LOGGED = 10

logger = logger_of()


def sinks(configuration: Configuration, errors: Errors, loop_times: "LoopTimes") -> list[Sink]:
    """Make the sinks that the settings ask for, beside the database, as far as they are available."""
    chosen = registered_sinks(configuration.sinks, errors, loop_times)
    if "log" in configuration.sinks:
        chosen.append(LogSink())
    if "signal" in configuration.sinks:
        chosen.append(SignalSink())
    if configuration.on_blocking_call:
        chosen.append(CallbackSink(configuration.on_blocking_call))
    return chosen


class CallbackSink(Sink):
    """Calls the function named by ``ON_BLOCKING_CALL``."""

    name = "callback"

    def __init__(self, callback: Callable[[BlockingCall], object]) -> None:
        self._callback = callback

    def emit(self, call: BlockingCall) -> None:
        """Call the function. Its exceptions are raised."""
        self._callback(call)


class SignalSink(Sink):
    """Sends ``loopwatch.signals.blocking_call``."""

    name = "signal"

    def emit(self, call: BlockingCall) -> None:
        """Send to every receiver, then raise the exception of the first that failed."""
        for _, outcome in blocking_call.send_robust(sender=BlockingCall, call=call):
            if isinstance(outcome, Exception):
                raise outcome


class LogSink(Sink):
    """Logs a warning for each stall, but at most one a minute for each finding. The next line counts those left out.

    Machine stalls get a line of level ``INFO`` instead, at most one a minute for each cause.
    """

    name = "log"

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._throttle = LogThrottle(clock)
        self._logged = OngoingStalls[bool]()

    def emit(self, call: BlockingCall) -> None:
        """Write a line, or count the stall for the next line."""
        is_machine = call.cause.is_machine
        is_logged = self._logged.pop(call) == is_machine  # what was the machine's so far may become a call's
        self._logged.keep(call, is_machine)
        if is_logged or (suppressed := self._throttle.left_out(call.cause if is_machine else call.fingerprint)) is None:
            return
        if is_machine:
            logger.info("%s", _machine_line(call, suppressed))
        else:
            logger.warning("%s", _line(call, suppressed), extra=_fields(call, suppressed))


def _machine_line(call: BlockingCall, suppressed: int) -> str:
    # Without the holder: it has not passed ``REDACT`` yet. The log has it as a finding.
    line = f"The event loop stood still for {call.step_ms:.0f} ms, but no call is to blame: {call.cause_in_words}"
    return f"{line}; {suppressed} more of this cause since its last line" if suppressed else line


def _line(call: BlockingCall, suppressed: int) -> str:
    verb = "has been blocking" if call.ongoing else "blocked"
    if call.cause is Cause.GIL_HELD:
        verb = "in a thread kept the GIL from"
    where = f" ({shorten(call.filename)}:{call.lineno})" if call.filename else ""
    parts = [f"{call.headline} {verb} the event loop for {call.duration_ms:.1f} ms in {call.function}{where}"]
    if call.source:
        parts[0] += f": {log_text(call.source, LONGEST_SOURCE)}"
    parts += [at_least(call.calls_seen), call.besides]
    if call.request:
        target = call.request.consumer or call.request.route
        parts.append(f"{request_columns.method(call.request)} {target}".strip())
    parts.append(delayed_in_words(call.waiting, call.kept_out.count))
    if suppressed:
        parts.append(f"{suppressed} more of this finding since its last line")
    return log_text("; ".join(part for part in parts if part), 2000)


def _thread_line(thread: ThreadStack) -> str:
    """Describe the end of a thread's stack, the most recent call last."""
    places = [f"{shorten(each.filename)}:{each.lineno} in {each.name}" for each in thread.frames[-FRAMES_LOGGED:]]
    several = f"{thread.count} threads: " if thread.count > 1 else ""
    return log_text(several + " > ".join(places), 2000)


def _fields(call: BlockingCall, suppressed: int) -> dict[str, Any]:
    """Return fields for structured logs. Their prefix avoids the names that ``LogRecord`` or a site's factory uses."""
    fields = {
        "fingerprint": call.fingerprint,
        "blocking_call": log_text(call.method_name, 300),
        "called_name": log_text(call.called_name, 300),
        "function": log_text(call.function, 300),
        "source": log_text(call.source, 500),
        "file": log_text(shorten(call.filename), 500),
        "line": call.lineno,
        "cause": str(call.cause),
        "duration_ms": milliseconds(call.duration_ms),
        "step_ms": milliseconds(call.step_ms),
        "ongoing": call.ongoing,
        "calls_seen": call.calls_seen,
        "method": request_columns.method(call.request),
        "route": log_text(request_columns.route(call.request), 300),
        "requests_delayed": call.waiting,
        "requests_kept_out": call.kept_out.count,
        "stall_id": call.stall_id,
        "suppressed": suppressed,
    }
    if call.other_threads:
        fields["other_threads"] = [_thread_line(thread) for thread in call.other_threads]
    return {f"loopwatch_{name}": value for name, value in fields.items()}
