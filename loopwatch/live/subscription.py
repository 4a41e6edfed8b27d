"""Receives batches from the channel layer for one page, and survives faults of the layer and of messages."""

import asyncio
from contextlib import suppress
from typing import Any

from loopwatch import site_monitor
from loopwatch.detection.loggers import logger_of
from loopwatch.live.feed import GROUP, Receive
from loopwatch.live.read_batch import NotABatchError, read_batch
from loopwatch.recorder.health import Errors

RETRY_S = 2.0
JOIN_AGAIN_S = 3600.0
"""Layers forget members: channels_redis after a day (``group_expiry``), Redis without persistence at a restart."""

logger = logger_of("live")
_unwatched = Errors()
"""Counts errors in a process that is not watched and therefore has no recorder."""


async def listen(layer: Any, receive: Receive) -> None:
    """Call ``receive`` with every batch of every process until cancelled. Raises nothing else."""
    channel = await layer.new_channel()
    try:
        while True:
            await _listen_for_a_while(layer, channel, receive)
    finally:
        with suppress(Exception):
            await layer.group_discard(GROUP, channel)


async def _listen_for_a_while(layer: Any, channel: str, receive: Receive) -> None:
    try:
        async with asyncio.timeout(JOIN_AGAIN_S) as time_to_join_again:
            await layer.group_add(GROUP, channel)
            while True:
                _pass_on(await layer.receive(channel), receive)
    except Exception as error:  # noqa: BLE001 - layers raise what they like
        if not time_to_join_again.expired():
            _errors().log_once("live", error, "The channel layer failed; the live page stays open and tries it again.")
            await asyncio.sleep(RETRY_S)


def _pass_on(message: Any, receive: Receive) -> None:
    try:
        batch = read_batch(message)
    except NotABatchError as error:
        if _errors().count("live messages", error):
            logger.warning("The live page dropped an invalid message: %s. Further ones are only counted.", error)
        return
    receive(batch)


def _errors() -> Errors:
    return site_monitor.errors() or _unwatched
