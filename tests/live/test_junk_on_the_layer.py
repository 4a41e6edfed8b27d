"""Junk in the Redis that carries batches: pages stay open, and show the stalls that follow."""

import asyncio
import math
import sys

import pytest
from channels_redis.core import RedisChannelLayer
from django.db import connection

from loopwatch.live.batch import LiveBatch
from loopwatch.live.feed import GROUP
from testproject.demo.ports import LOOPBACK
from tests.browser.site import AdminSite
from tests.live.lines import line

BATCH = LiveBatch("web-1 7", 1, 1, (line(),), {1: 50.0}).as_message()
JUNK = [
    {"type": "loopwatch.batch"},
    {"type": "loopwatch.batch", "batch": None},
    BATCH | {"lines": ["line"]},
    BATCH | {"lines": [BATCH["lines"][0] | {"duration_ms": math.nan}]},
    BATCH | {"lines": [BATCH["lines"][0] | {"function": "x" * 1_000_000}]},
    BATCH | {"seen": "x"},
    BATCH | {"blocked": [[second, 1.0] for second in range(200_000)]},
    {"type": "websocket.close"},
    {"type": "websocket.disconnect", "code": 1000},
    {"type": "no.such.method"},
]


@pytest.fixture
def site(transactional_db, tmp_path, redis_port):
    with AdminSite(tmp_path, connection.settings_dict["NAME"], SITE_REDIS_PORT=str(redis_port)) as served:
        served.serve()
        yield served


@pytest.mark.real_stall
@pytest.mark.skipif(sys.platform == "win32", reason="Redis does not run there")
async def test_pages_stay_open_when_junk_is_written_to_redis(site, open_page, redis_port):
    page, other = open_page(), open_page()
    page.message()
    layer = RedisChannelLayer(hosts=[(LOOPBACK, redis_port)])
    for message in JUNK:
        await layer.group_send(GROUP, message)
    await layer.group_send(GROUP, BATCH | {"of_a_newer_version": 1})
    for each in page, other:
        each.read_until_shown("shop.views.checkout")
    await asyncio.to_thread(site.get, "/stall/150/")
    for each in page, other:
        each.read_until_shown("tests.browser.urls.stall")
    site.stop()
    assert "Traceback" not in site.log, site.log
    assert site.log.count("dropped an invalid message") == 1
