"""Checks for channel layers that do not reach other processes, on a site that has several."""

import os
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name
from django.utils.module_loading import import_string

IN_MEMORY = "channels.layers.InMemoryChannelLayer"

# Variables with the number of processes that a server runs: gunicorn and uvicorn, Granian.
_NUMBERS = ("WEB_CONCURRENCY", "GRANIAN_WORKERS")
_GUNICORN_OPTION = re.compile(r"(?:^|\s)(?:--workers[= ]\s*|-w\s*)(\d+)")


def check_channel_layers(**_: Any) -> list[CheckMessage]:
    """loopwatch.W007: messages stay in the process that sends them, and the environment asks for several processes."""
    aliases, workers = _in_memory_aliases(), _workers()
    if not aliases or workers is None:
        return []
    return [_warning(aliases, f"{workers} starts several processes: a message reaches only the one that sends it.")]


def check_channel_layers_for_deployment(**_: Any) -> list[CheckMessage]:
    """loopwatch.W007, with ``--deploy``: messages stay in the process that sends them."""
    aliases = _in_memory_aliases()
    if not aliases or _workers() is not None:
        return []
    return [_warning(aliases, "Once the site runs in two processes, a message reaches only the one that sends it.")]


def _warning(aliases: list[str], consequence: str) -> CheckMessage:
    names = ", ".join(f'CHANNEL_LAYERS["{alias}"]' for alias in aliases)
    return Warning(
        f"{names} is kept in the memory of one process. {consequence}",
        hint='Use a layer that processes share, such as "channels_redis.core.RedisChannelLayer", '
        "or run one process and silence this.",
        id="loopwatch.W007",
    )


def _in_memory_aliases() -> list[str]:
    configured = getattr(settings, "CHANNEL_LAYERS", None)
    if not isinstance(configured, Mapping):
        return []
    return [str(alias) for alias, layer in configured.items() if isinstance(layer, Mapping) and _is_in_memory(layer)]


def _is_in_memory(layer: Mapping[str, Any]) -> bool:
    """Return whether the backend is Channels' own layer for one process, or derived from it."""
    try:
        backend, in_memory = import_string(layer["BACKEND"]), import_string(IN_MEMORY)
        return issubclass(backend, in_memory)
    except Exception:  # noqa: BLE001 - Channels reports a wrong backend
        return False


def _workers() -> str | None:
    """Return the variable that asks for more than one process, with its value; ``None`` if none does."""
    for name in _NUMBERS:
        value = os.environ.get(name, "").strip()
        if value.isdecimal() and int(value) > 1:
            return f"{name}={value}"
    option = _GUNICORN_OPTION.search(os.environ.get("GUNICORN_CMD_ARGS", ""))
    return f"GUNICORN_CMD_ARGS ({option[0].strip()})" if option and int(option[1]) > 1 else None
