"""The bookshop's settings, but a stall is stored at once: every test of the shared shop waits for that."""

from testproject import settings
from testproject.settings import *  # noqa: F403

# On a busy machine a mistake is repeated often, and each event of it is waited for.
LOOPWATCH = settings.LOOPWATCH | {"FLUSH_INTERVAL_S": 0.1, "EVENTS_PER_FINDING": 10_000}
