"""``manage.py runworker`` with messages of a real Redis: their stalls are stored before the worker ends."""

import asyncio
import signal

import pytest
from channels_redis.core import RedisChannelLayer

from testproject.demo.ports import LOOPBACK
from tests.end_to_end.stored_events import stored_events
from tests.support.site import Site, copy_sqlite
from tests.support.waiting import WITHIN_S

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the worker is told to end by a signal")

SITE = "tests.end_to_end.worker_site"


@pytest.fixture
def site(tmp_path, migrated, redis_port):
    database = tmp_path / "site.sqlite3"
    copy_sqlite(migrated, database)
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.end_to_end.worker_settings",
        "SITE_REDIS_PORT": str(redis_port),
        "SITE_DATABASE": str(database),
    }
    with Site(tmp_path, **environment) as site:
        yield site


@pytest.mark.real_stall
async def test_a_worker_stores_the_stalls_of_its_messages(site, tmp_path, redis_port):
    worker = site.run("django", "runworker", "images")
    layer = RedisChannelLayer(hosts=[(LOOPBACK, redis_port)])
    for _ in range(2):
        await layer.send("images", {"type": "image.resize"})
        async with asyncio.timeout(WITHIN_S):
            assert await layer.receive("answers") == {"type": "image.resized"}
    await layer.close_pools()
    worker.send_signal(signal.SIGTERM)
    await asyncio.to_thread(worker.wait, WITHIN_S)
    assert "Traceback" not in site.log
    events = [each for each in stored_events(tmp_path / "site.sqlite3") if each.blocking_call == "time.sleep"]
    assert [(each.method, each.route, each.consumer, each.function) for each in events] == [
        ("Channel", "images: image.resize", f"{SITE}.Images", f"{SITE}.Images.image_resize")
    ] * 2, site.log
