from contextlib import ExitStack

import pytest

from tests.faults.site import StallingSite
from tests.support.real_time import account_of


@pytest.fixture
def site_of(request, tmp_path):
    """Makes sites whose processes end with the test."""
    real_time = account_of(request)
    with ExitStack() as sites:

        def make(database, **loopwatch):
            return sites.enter_context(StallingSite(tmp_path, real_time, database, **loopwatch))

        yield make


@pytest.fixture
def site_on(site_of, database):
    """Makes sites that store in ``database``, which is closed here, so that it may go away."""

    def make(options=None, **loopwatch):
        names = ("ENGINE", "NAME", "USER", "HOST")
        stored_in = {name: str(database.settings_dict[name]) for name in names} | {"CONN_MAX_AGE": None}
        database.close()
        return site_of(stored_in | {"OPTIONS": options or {}}, **loopwatch)

    return make
