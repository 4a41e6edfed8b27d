import sys
from asyncio.events import Handle

import pytest


@pytest.fixture(autouse=True)
def nothing_is_left():
    run = Handle._run
    yield
    assert Handle._run is run
    assert sys.getprofile() is None
