"""The origin of a WebSocket: the answer equals that of Django's CSRF check."""

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwatch.live.origin import has_own_origin

PROXY = {"USE_X_FORWARDED_HOST": True, "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}
TRUSTING = {"CSRF_TRUSTED_ORIGINS": ["https://admin.example", "https://*.shops.example", "http://shop.example:81"]}
ORIGINS = [
    "https://shop.example", "http://shop.example", "https://SHOP.example", "https://shop.example:8443",
    "https://shop.example:443", "https://www.example", "http://www.example", "https://admin.example",
    "http://admin.example", "https://a.shops.example", "https://a.b.shops.example", "https://shops.example",
    "https://evilshops.example", "http://shop.example:81", "https://evil.example", "https://shop.example.evil.example",
    "https://shop.example@evil.example", "https://", "http://[", "null", "shop.example", "\xff",
]  # fmt: skip

urlpatterns = [path("form/", lambda request: HttpResponse("sent"))]


@pytest.fixture(autouse=True)
def allowed_hosts(settings):
    settings.ALLOWED_HOSTS = ["shop.example", "www.example"]


def scope(origin="https://shop.example", scheme="wss", **headers):
    named = {"host": "shop.example"} | ({} if origin is None else {"origin": origin}) | headers
    headers = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in named.items()]
    return {"type": "websocket", "path": "/loopwatch/live/", "headers": headers} | (
        {"scheme": scheme} if scheme else {}
    )


def test_pages_of_the_site_have_its_origin():
    assert has_own_origin(scope("https://shop.example", "wss"))
    assert has_own_origin(scope("http://shop.example", "ws"))


@pytest.mark.parametrize("origin", [None, "", *(origin for origin in ORIGINS if origin != "https://shop.example")])
def test_pages_of_other_sites_do_not_have_its_origin(origin):
    assert not has_own_origin(scope(origin))


def test_another_scheme_is_another_origin():
    assert not has_own_origin(scope("http://shop.example", "wss"))
    assert not has_own_origin(scope("https://shop.example", "ws"))


def test_a_server_that_leaves_the_scheme_out_means_ws():
    assert has_own_origin(scope("http://shop.example", None))
    assert not has_own_origin(scope("https://shop.example", None))


def test_the_scheme_forwarded_by_a_proxy_is_used_if_the_settings_say_so(settings):
    forwarded = scope("https://shop.example", "ws", x_forwarded_proto="https")
    assert not has_own_origin(forwarded)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert has_own_origin(forwarded)
    assert not has_own_origin(scope("https://shop.example", "wss", x_forwarded_proto="http"))


def test_another_port_is_another_origin():
    assert has_own_origin(scope("https://shop.example:8443", host="shop.example:8443"))
    assert not has_own_origin(scope("https://shop.example:8443"))


def test_the_host_forwarded_by_a_proxy_is_used_if_the_settings_say_so(settings):
    forwarded = scope("https://www.example", x_forwarded_host="www.example")
    assert not has_own_origin(forwarded)
    settings.USE_X_FORWARDED_HOST = True
    assert has_own_origin(forwarded)


def test_a_host_that_is_not_allowed_is_refused(settings):
    assert not has_own_origin(scope("https://evil.example", host="evil.example"))
    settings.CSRF_TRUSTED_ORIGINS = ["https://evil.example"]
    assert not has_own_origin(scope("https://evil.example", host="evil.example"))


def test_a_handshake_without_a_host_header_is_refused():
    assert not has_own_origin({"headers": [(b"origin", b"https://shop.example")]})
    assert not has_own_origin({})


def test_two_origins_are_refused():
    both = scope()
    both["headers"].append((b"origin", b"https://shop.example"))
    assert not has_own_origin(both)


def test_headers_of_a_body_do_not_matter():
    assert has_own_origin(scope(content_type="a/b; x*=no-such-charset'en'x", content_length="x"))


def test_trusted_origins_are_accepted(settings):
    settings.CSRF_TRUSTED_ORIGINS = TRUSTING["CSRF_TRUSTED_ORIGINS"]
    assert has_own_origin(scope("https://admin.example"))
    assert has_own_origin(scope("https://a.shops.example"))
    assert not has_own_origin(scope("http://admin.example"))
    assert not has_own_origin(scope("https://evilshops.example"))


def test_a_refusal_is_logged_with_the_settings_that_may_be_missing(caplog):
    assert not has_own_origin(scope("https://shop.example\x1b[31m", "ws"))
    assert "'https://shop.example\\x1b[31m', but this site is 'http://shop.example'" in caplog.text
    assert "SECURE_PROXY_SSL_HEADER" in caplog.text


@settings(max_examples=200)
@given(
    origin=st.sampled_from(ORIGINS),
    scheme=st.sampled_from(["ws", "wss"]),
    headers=st.fixed_dictionaries(
        {"host": st.sampled_from(["shop.example", "shop.example:8443", "shop.example:81", "evil.example", "[", ""])},
        optional={
            "x_forwarded_host": st.sampled_from(["www.example", "shop.example", "evil.example"]),
            "x_forwarded_proto": st.sampled_from(["http", "https", "https, http"]),
        },
    ),
    site=st.sampled_from([{}, PROXY, TRUSTING, PROXY | TRUSTING, {"ALLOWED_HOSTS": ["*"]}, {"DEBUG": True}]),
)
def test_the_answer_is_that_of_django_to_a_form(origin, scheme, headers, site):
    middleware = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=middleware, **site):
        assert has_own_origin(scope(origin, scheme, **headers)) == is_taken(origin, scheme == "wss", headers)


def is_taken(origin, secure, headers):
    """Return whether Django accepts a form with a valid token from there."""
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = client.post("/form/", headers=named | {"origin": origin, "x-csrftoken": "a" * 32}, secure=secure)
    return response.content == b"sent"
