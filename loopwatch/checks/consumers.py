"""Checks for synchronous consumers of Channels that use the database: they all share one thread."""

import sys
from typing import Any

from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name

from loopwatch.asgi_layers import consumer_of
from loopwatch.checks.database_use import model_named_by
from loopwatch.checks.site_application import layers_of_the_site
from loopwatch.detection.cpython.namespaces import module_and_qualname


def check_sync_consumers(**_: Any) -> list[CheckMessage]:
    """loopwatch.W006: the site routes to a ``SyncConsumer`` that uses the database."""
    named = {}
    for consumer in _sync_consumers():
        model = model_named_by(consumer)
        if model:
            named[".".join(module_and_qualname(consumer))] = model
    if not named:
        return []
    consumers = ", ".join(f"{consumer!r} ({model})" for consumer, model in named.items())
    return [
        Warning(
            f"These consumers are synchronous and use the database: {consumers}. All synchronous consumers of a "
            "process run in one thread: while one waits for the database, the others wait for it, and so does every "
            "call that sync_to_async runs outside of a Django request.",
            hint="Derive them from an asynchronous consumer, and use the async interface of the ORM.",
            id="loopwatch.W006",
        )
    ]


def _sync_consumers() -> list[type]:
    """Return each synchronous consumer that the site's application routes to, once."""
    channels = sys.modules.get("channels.consumer")  # without it there can be none
    synchronous = getattr(channels, "SyncConsumer", None)
    if not isinstance(synchronous, type):
        return []
    found = (consumer_of(layer.application) for layer in layers_of_the_site())
    # By id, because a metaclass may make its classes unhashable.
    return list({id(each): each for each in found if each is not None and issubclass(each, synchronous)}.values())
