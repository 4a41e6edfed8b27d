"""Checks that a page of this site opened a WebSocket, as Django checks where a form comes from.

Browsers send a site's cookies with every WebSocket, regardless of which page opens it, but they name its origin.
The answer equals that of ``CsrfViewMiddleware`` to the same headers: the origin must have the scheme, host and port of
the site, as the settings for proxies determine them, or be in ``CSRF_TRUSTED_ORIGINS``; and the host must be allowed.
"""

import io
from urllib.parse import urlsplit

from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.http import is_same_domain

from loopwatch.asgi_types import Scope
from loopwatch.detection.loggers import logger_of

logger = logger_of("live")


def has_own_origin(scope: Scope) -> bool:
    """Return whether the page that opens the WebSocket belongs to this site or to a trusted origin."""
    request = _as_request(scope)
    origin = request.headers.get("Origin", "")
    try:
        own = f"{request.scheme}://{request.get_host()}"
    except DisallowedHost as error:
        logger.warning("Refused the live page's WebSocket: %.300s", error)
        return False
    if origin == own or _is_trusted(origin):
        return True
    logger.warning(
        "Refused the live page's WebSocket: its origin is %.100r, but this site is %.100r. Behind a proxy, check "
        "SECURE_PROXY_SSL_HEADER, USE_X_FORWARDED_HOST and CSRF_TRUSTED_ORIGINS.",
        origin,
        own,
    )
    return False


def _as_request(scope: Scope) -> HttpRequest:
    """Return the handshake as an HTTP request, so that Django interprets its headers.

    A server may omit the scheme, as Daphne does; the ASGI specification's default is ``ws``.
    """
    return ASGIRequest(
        {
            "method": "GET",
            "path": "/",
            "scheme": "https" if scope.get("scheme") in ("wss", "https") else "http",
            "server": scope.get("server"),
            "headers": [(name, value) for name, value in scope.get("headers", ()) if not name.startswith(b"content-")],
        },
        io.BytesIO(),
    )


def _is_trusted(origin: str) -> bool:
    trusted = CsrfViewMiddleware(lambda _request: HttpResponse())
    if origin in trusted.allowed_origins_exact:
        return True
    try:
        parsed = urlsplit(origin)
    except ValueError:
        return False
    return any(is_same_domain(parsed.netloc, host) for host in trusted.allowed_origin_subdomains.get(parsed.scheme, ()))
