import pytest
from django.urls import resolve

from loopwatch import site_monitor
from loopwatch.detection.timing.in_flight import current_request
from tests.programs.bot import BARE_RUN, leftovers, reports


@pytest.fixture(autouse=True)
def site(settings):
    """Hand the stalls to ``reports``; check that a block leaves nothing behind."""
    reports.clear()
    settings.ROOT_URLCONF = "tests.site_urls"
    settings.ALLOWED_HOSTS = ["*"]
    settings.LOOPWATCH = {"THRESHOLD_MS": 40, "SINKS": [], "ON_BLOCKING_CALL": reports.append}
    resolve("/")
    before = leftovers()
    assert before[:2] == ([], BARE_RUN)
    yield
    assert current_request.get() is None
    assert leftovers() == before


@pytest.fixture
def server(site):
    """Stop, also after a run that was disturbed, what a server would stop as it ends."""
    yield
    assert site_monitor.stop(60)
