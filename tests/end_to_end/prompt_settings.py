"""The bookshop's settings, but a stall is stored at once: every test of the shared shop waits for that."""

from testproject import settings
from testproject.settings import *  # noqa: F403

LOOPWATCH = settings.LOOPWATCH | {"FLUSH_INTERVAL_S": 0.1}
