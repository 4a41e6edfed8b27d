import threading
from asyncio.events import Handle

import pytest
from django.urls import resolve

from loopwatch import site_monitor
from tests.wrapper.served import BARE_RUN, reports


@pytest.fixture(autouse=True)
def site(settings):
    """Set up a site that hands its stalls to ``reports``; stop it, and check that it leaves nothing behind."""
    reports.clear()
    settings.ROOT_URLCONF = "tests.site_urls"
    settings.ALLOWED_HOSTS = ["*"]
    settings.LOOPWATCH = {"THRESHOLD_MS": 40, "SINKS": [], "ON_BLOCKING_CALL": reports.append, "FLUSH_INTERVAL_S": 0.05}
    resolve("/")  # imports the views: the first request of a site does, and that is a stall
    yield
    assert site_monitor.stop(60)
    assert Handle._run is BARE_RUN
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("loopwatch")]
