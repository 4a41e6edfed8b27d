"""What is reported of the site that these tests serve."""

import asyncio
from asyncio.events import Handle

from loopwatch import site_monitor

BARE_RUN = Handle._run

reports = []


async def recorded():
    """Return the reports of all stalls that have ended so far."""
    assert await asyncio.to_thread(site_monitor.flush)
    return list(reports)
