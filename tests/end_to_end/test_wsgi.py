"""A WSGI site with an async view, under gunicorn: the stalls of its loops are stored before a worker ends."""

import signal
from urllib.parse import quote

import pytest

from testproject.demo.ports import LOOPBACK
from tests.end_to_end.stored_events import stored_events
from tests.support.site import Site, copy_sqlite

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="gunicorn needs fork")

SITE = "tests.end_to_end.wsgi_site"
ROUTE = "bücher/<int:pk>/"


@pytest.mark.real_stall
@pytest.mark.parametrize("options", [(), ("--threads", "2"), ("--preload",)], ids=["forks", "threads", "preloaded"])
def test_the_stalls_of_an_async_view_have_its_route(tmp_path, migrated, options):
    database = tmp_path / "site.sqlite3"
    copy_sqlite(migrated, database)
    with Site(tmp_path, DJANGO_SETTINGS_MODULE="tests.end_to_end.wsgi_settings", SITE_DATABASE=str(database)) as site:
        site.serve("gunicorn", f"{SITE}:application", "--bind", f"{LOOPBACK}:{{port}}", *options)
        assert [site.get(quote(f"/bücher/{number}/")) for number in range(2)] == ["bought"] * 2
        assert site.stop() == 0
        assert "Traceback" not in site.log
        events = [each for each in stored_events(database) if each.blocking_call == "time.sleep"]
        assert [(each.method, each.route, each.function) for each in events] == [("GET", ROUTE, f"{SITE}.buy")] * 2, (
            site.log
        )
