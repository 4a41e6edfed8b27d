"""The headers of a response that reports figures."""

import pytest

from loopwatch.request_tracing.response_headers import uncached


@pytest.mark.parametrize(
    "name",
    [
        b"Cache-Control",
        b"CDN-Cache-Control",
        b"Cloudflare-CDN-Cache-Control",
        b"Vercel-CDN-Cache-Control",
        b"X-LiteSpeed-Cache-Control",
        b"Surrogate-Control",
        b"Edge-Control",
        b"X-Accel-Expires",
        b"expires",
    ],
)
def test_every_header_for_caches_is_replaced_by_no_store(name):
    assert uncached([(b"ETag", b"x"), (name, b"max-age=60")]) == [(b"ETag", b"x"), (b"cache-control", b"no-store")]
