"""Whether a WebSocket is opened by a page of this site."""

import pytest

from loopwatch.live.access import has_own_origin


def scope(origin, **headers):
    named = {"host": "shop.example"} | ({} if origin is None else {"origin": origin}) | headers
    return {"headers": [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in named.items()]}


@pytest.mark.parametrize("origin", ["https://shop.example", "http://shop.example", "https://SHOP.example"])
def test_its_own_pages_are(origin):
    assert has_own_origin(scope(origin))


@pytest.mark.parametrize(
    "origin",
    [None, "", "null", "http://[", "https://", "shop.example", "https://evil.example", "https://shop.example.evil.example",
     "https://shop.example:8443", "https://shop.example@evil.example", "\xff"],
)  # fmt: skip
def test_others_are_not(origin):
    assert not has_own_origin(scope(origin))


def test_there_may_be_no_host():
    assert not has_own_origin({"headers": [(b"origin", b"https://shop.example")]})
    assert not has_own_origin({})


def test_those_are_that_the_site_trusts_with_its_forms(settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://admin.example", "https://*.shops.example"]
    assert has_own_origin(scope("https://admin.example"))
    assert has_own_origin(scope("https://a.shops.example"))
    assert not has_own_origin(scope("http://admin.example"))
    assert not has_own_origin(scope("https://evilshops.example"))


def test_the_host_that_a_proxy_forwards_counts_if_the_site_says_so(settings):
    forwarded = scope("https://www.example", x_forwarded_host="www.example")
    assert not has_own_origin(forwarded)
    settings.USE_X_FORWARDED_HOST = True
    assert has_own_origin(forwarded)
