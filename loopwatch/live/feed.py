"""Delivers batches to open pages: directly in this process, through the channel layer in others.

The in-memory layer is not used: it reaches only this process, and only from the loop's thread. Any other layer carries
every batch to a group that pages join. A group without members costs the layer one look-up, at most four times a second
and only while there are stalls.
"""

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings

from loopwatch.live.batch import LiveBatch

GROUP = "loopwatch.live"
IN_MEMORY = "channels.layers.InMemoryChannelLayer"

SECONDS_KEPT = 120

Receive = Callable[[LiveBatch], object]


@dataclass(frozen=True, slots=True)
class Recent:
    """How long this process was blocked in each of the last seconds that had any stall, in milliseconds.

    It is complete from ``since_s`` on, in seconds since the epoch: in other seconds from then on, nothing was blocked.
    """

    since_s: int
    blocked: Mapping[int, float]


class Feed:
    """Knows the pages open in this process, and reaches the others. There is one per process; it is thread-safe."""

    def __init__(self) -> None:
        self.is_routed = False
        """Whether this process routes to the consumer."""
        self.forget_viewers()

    def forget_viewers(self) -> None:
        """Begin without viewers and with a new lock, as a forked child must: its parent's lock may be held."""
        self._lock = threading.Lock()
        self._viewers: dict[Receive, asyncio.AbstractEventLoop] = {}
        self._recent = Counter[int]()
        self._knows_since_s: int | None = None

    @property
    def is_reachable(self) -> bool:
        """Whether a page could ever be reached."""
        return self.is_routed or has_shared_layer()

    @property
    def has_audience(self) -> bool:
        """Whether a page may be open, as far as this process knows."""
        return bool(self._viewers) or has_shared_layer()

    def begin_to_know(self) -> None:
        """Note that from now on all stalls are remembered or sent."""
        with self._lock:
            self._knows_since_s = self._knows_since_s or int(time.time()) + 1

    def remember(self, blocked: Mapping[int, float]) -> None:
        """Keep the seconds for pages that open later."""
        with self._lock:
            self._remember(blocked)

    def _remember(self, blocked: Mapping[int, float]) -> None:
        self._recent.update(blocked)
        for second in [each for each in self._recent if each <= time.time() - SECONDS_KEPT]:
            del self._recent[second]

    def join(self, receive: Receive) -> Recent:
        """Call ``receive`` with every batch of this process, on the loop that runs now; return what was before."""
        now = int(time.time())
        with self._lock:
            self._viewers[receive] = asyncio.get_running_loop()
            since_s = max(self._knows_since_s or now, now - SECONDS_KEPT + 1)
            return Recent(since_s, {second: ms for second, ms in self._recent.items() if second >= since_s})

    def leave(self, receive: Receive) -> None:
        """Stop calling ``receive``."""
        with self._lock:
            self._viewers.pop(receive, None)

    async def send(self, batch: LiveBatch) -> None:
        """Deliver a batch to every page. Not for the site's loop. Raises what the layer raises."""
        if has_shared_layer():
            from channels.layers import get_channel_layer  # noqa: PLC0415

            await get_channel_layer().group_send(GROUP, batch.as_message())
            return
        with self._lock:  # at once, so that a page that opens now gets these seconds once
            self._remember(batch.blocked)
            viewers = list(self._viewers.items())
        for receive, loop in viewers:
            try:
                loop.call_soon_threadsafe(receive, batch)
            except RuntimeError:  # the loop is closed
                self.leave(receive)


def has_shared_layer() -> bool:
    """Return whether the site has a channel layer that reaches other processes, by the settings alone."""
    layers = getattr(settings, "CHANNEL_LAYERS", None) or {}
    return bool(layers.get("default", {}).get("BACKEND", IN_MEMORY) != IN_MEMORY)


feed = Feed()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=feed.forget_viewers)
