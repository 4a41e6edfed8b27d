"""Who may look at the live page: whoever may look at events in the admin, from a page of this very site."""

from collections.abc import MutableMapping
from importlib import import_module
from typing import Any
from urllib.parse import SplitResult, urlsplit

from channels.auth import get_user
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils.http import is_same_domain

PERMISSION = "loopwatch.view_blockingevent"

Scope = MutableMapping[str, Any]


def has_own_origin(scope: Scope) -> bool:
    """Whether the page that opens the WebSocket came from this site, or from one that it trusts with its forms.

    Browsers send cookies with every WebSocket, whichever site opens it, but they do say which.
    """
    headers = {name.lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}
    try:
        origin = urlsplit(headers.get(b"origin", "").lower())
    except ValueError:
        return False
    forwarded = headers.get(b"x-forwarded-host") if settings.USE_X_FORWARDED_HOST else None
    own = (forwarded or headers.get(b"host", "")).lower()
    return bool(origin.netloc) and (origin.netloc == own or _is_trusted(origin))


def _is_trusted(origin: SplitResult) -> bool:
    trusted = [urlsplit(address.lower()) for address in settings.CSRF_TRUSTED_ORIGINS]
    return any(
        origin.scheme == one.scheme and is_same_domain(origin.netloc, one.netloc.removeprefix("*")) for one in trusted
    )


async def may_look(scope: Scope) -> bool:
    """Ask the database, not what was known when the connection was made: people log out and lose permissions."""
    user = await _current_user(scope)
    return bool(await database_sync_to_async(_is_allowed)(user))


async def _current_user(scope: Scope) -> Any:
    session = scope.get("session")
    if session is None:
        return await database_sync_to_async(_reloaded)(scope.get("user"))
    store = import_module(settings.SESSION_ENGINE).SessionStore
    return await get_user({"session": store(session.session_key)})


def _reloaded(user: Any) -> Any:
    """The same user without what is cached in it."""
    users = get_user_model()._default_manager  # noqa: SLF001 - public, whatever its name says: Django documents it
    return users.filter(pk=user.pk).first() if user else None


def _is_allowed(user: Any) -> bool:
    return bool(user and user.is_active and getattr(user, "is_staff", False) and user.has_perm(PERMISSION))
