import pytest

from tests.faults.site import Site


@pytest.fixture
def site_of(tmp_path):
    """Makes sites whose server is stopped after the test."""
    made = []

    def make(database, **loopwatch):
        made.append(Site(tmp_path, database, **loopwatch))
        return made[-1]

    yield make
    for site in made:
        if site.process:
            site.process.kill()
            site.process.wait()


@pytest.fixture
def site_on(site_of, database):
    """Makes sites that store in ``database``, which is closed here, so that it may go away."""

    def make(options=None, **loopwatch):
        names = ("ENGINE", "NAME", "USER", "HOST")
        stored_in = {name: str(database.settings_dict[name]) for name in names} | {"CONN_MAX_AGE": None}
        database.close()
        return site_of(stored_in | {"OPTIONS": options or {}}, **loopwatch)

    return make
