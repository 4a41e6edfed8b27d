"""Who may look at the live page: whoever may look at events in the admin."""

from importlib import import_module
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model

from loopwatch.asgi_types import Scope

PERMISSION = "loopwatch.view_blockingevent"


async def may_view(scope: Scope) -> bool:
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
