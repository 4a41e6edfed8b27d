"""Implements the sink "live": sums up stalls in batches for the live page.

Any number of stalls makes at most four batches a second, of at most twenty lines each, and none while no page can be
open. Runs on the delivery thread of the sink.
"""

import asyncio
import time
from collections import Counter
from dataclasses import replace

from loopwatch.detection.calls import BlockingCall
from loopwatch.live.batch import LINES_LIMIT, SECONDS_LIMIT, TEXT_LIMIT, Line, LiveBatch
from loopwatch.live.feed import Feed, feed
from loopwatch.live.process_name import process_name
from loopwatch.recorder import request_columns
from loopwatch.recorder.column_values import integer, milliseconds, path_text, text
from loopwatch.recorder.health import Errors
from loopwatch.recorder.ongoing_stalls import OngoingStalls
from loopwatch.recorder.paths import shorten
from loopwatch.recorder.sink import Sink
from loopwatch.wording.findings import doubt

INTERVAL_S = 0.25
LINES_KEPT = 1_000
SECONDS_SENT = 120
"""How much of a long stall, counted back from its end, is sent by the second."""

Key = tuple[str, str, str]

_runners = set[asyncio.Runner]()
"""Keeps the parent's runners alive in a forked child: closing their loops would unregister the parent's sockets."""


class LiveSink(Sink):
    """Sends a batch as soon as there is something, then waits for a quarter of a second."""

    name = "live"

    def __init__(self, errors: Errors, feed: Feed = feed) -> None:
        self._errors = errors
        self._feed = feed
        self._runner: asyncio.Runner | None = None
        self._send_at = 0.0
        self._seen = 0
        self._sent_ms = OngoingStalls[float]()
        self._begin_empty()
        feed.begin_to_know()

    def _begin_empty(self) -> None:
        self._count = 0
        self._lines: dict[Key, Line] = {}
        self._blocked: Counter[int] = Counter()

    def emit(self, call: BlockingCall) -> None:
        """Add the call to the next batch."""
        sent_ms = self._sent_ms.pop(call)
        is_new = sent_ms is None
        sent_ms = sent_ms or 0.0
        self._sent_ms.keep(call, max(call.step_ms, sent_ms))
        self._seen += is_new
        self._note_blocked(call.started_at.timestamp() * 1000 + sent_ms, call.step_ms - sent_ms)
        if not self._feed.has_audience:
            return
        self._count += is_new
        line = _line(call, is_alone=call.ongoing or not is_new, count=int(is_new))
        key = line.fingerprint, line.request, line.stall_id
        if key in self._lines:
            self._lines[key] = _together(self._lines[key], line)
        elif len(self._lines) < LINES_KEPT:
            self._lines[key] = line

    def settle(self) -> None:
        """Send what there is, ``INTERVAL_S`` or more after the previous batch; without a page, only remember it."""
        if not self._lines:
            if self._blocked:
                self._feed.remember(self._blocked)
                self._begin_empty()
            return
        time.sleep(max(0.0, self._send_at - time.monotonic()))
        batch = self._batch()
        self._begin_empty()
        self._send_at = time.monotonic() + INTERVAL_S
        if self._runner is None:
            # The loop is kept, because layers keep one connection per loop.
            self._runner = asyncio.Runner()
            _runners.add(self._runner)
        try:
            self._runner.run(self._feed.send(batch))
        except Exception as error:  # noqa: BLE001 - layers raise what they like
            self._errors.log_once("live", error, "The channel layer did not accept a batch for the live page.")

    def close(self) -> None:
        """Close the connections to the layer; the next batch opens new ones."""
        runner, self._runner = self._runner, None
        if runner is not None:
            _runners.discard(runner)
            runner.close()

    def _note_blocked(self, begin_ms: float, blocked_ms: float) -> None:
        """Spread the blocked time over the seconds it fell into."""
        end_ms = begin_ms + max(blocked_ms, 0.0)
        begin_ms = max(begin_ms, end_ms - SECONDS_SENT * 1000)
        while begin_ms < end_ms:
            second = int(begin_ms // 1000)
            until_ms = min(end_ms, (second + 1) * 1000.0)
            self._blocked[second] += until_ms - begin_ms  # type: ignore[assignment]
            begin_ms = until_ms

    def _batch(self) -> LiveBatch:
        worst_first = sorted(self._lines.values(), key=lambda line: -line.total_ms)
        newest = sorted(self._blocked)[-SECONDS_LIMIT:]
        blocked = {second: round(self._blocked[second], 1) for second in newest}
        return LiveBatch(process_name(), self._seen, self._count, tuple(worst_first[:LINES_LIMIT]), blocked)


def _line(call: BlockingCall, *, is_alone: bool, count: int) -> Line:
    request = call.request
    name = (
        f"{request_columns.method(request)} {request_columns.route(request) or (request.consumer if request else '')}"
    )
    return Line(
        stall_id=call.stall_id if is_alone else "",
        fingerprint=call.fingerprint,
        headline=text(call.headline, TEXT_LIMIT),
        function=text(call.function, TEXT_LIMIT),
        place=path_text(f"{shorten(call.filename)}:{call.lineno}" if call.filename else "", TEXT_LIMIT),
        doubt=doubt(exact=call.exact, blocking_call=call.method_name, function=call.function),
        request=text(name.strip(), TEXT_LIMIT),
        cause=text(call.cause, 20),
        started_at_ms=milliseconds(call.started_at.timestamp() * 1000),
        duration_ms=milliseconds(call.duration_ms),
        waiting=integer(call.waiting),
        kept_out=integer(call.kept_out.count),
        ongoing=call.ongoing,
        count=count,
        total_ms=milliseconds(call.duration_ms),
    )


def _together(one: Line, other: Line) -> Line:
    """Return the line of the longer stall, counting both. The latest report of an ongoing stall is its longest."""
    longer = max(other, one, key=lambda line: line.duration_ms)
    if longer.stall_id:
        return replace(longer, count=one.count + other.count, ongoing=other.ongoing)
    return replace(longer, count=one.count + other.count, total_ms=one.total_ms + other.total_ms)
