"""Whether this process is one of those that the setting ``ENABLED`` wants watched."""

import logging
import random
from collections.abc import Callable

logger = logging.getLogger("loopwatch")


def is_chosen(enabled: bool | float | Callable[[], object]) -> bool:
    """What the setting says; drawn by chance where it is a probability. Never raises: what raises says no."""
    if callable(enabled):
        try:
            return bool(enabled())
        except Exception:
            logger.exception('This process is not watched, because LOOPWATCH["ENABLED"] raised')
            return False
    # Not from a generator that the site may have seeded, the same in every process.
    return random.SystemRandom().random() < enabled
