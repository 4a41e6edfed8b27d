"""Allows the live page to users who may view events in the admin."""

from importlib import import_module
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model

from loopwatch.asgi_types import Scope

PERMISSION = "loopwatch.view_blockingevent"


async def may_view(scope: Scope) -> bool:
    """Query the database, because the user may have logged out or lost the permission since connecting."""
    user = await _current_user(scope)
    return bool(await database_sync_to_async(_is_allowed)(user))


async def _current_user(scope: Scope) -> Any:
    session = scope.get("session")
    if session is None:
        return await database_sync_to_async(_reloaded)(scope.get("user"))
    store = import_module(settings.SESSION_ENGINE).SessionStore
    return await get_user({"session": store(session.session_key)})


def _reloaded(user: Any) -> Any:
    """Return the user without the permissions cached on the object."""
    users = get_user_model()._default_manager  # noqa: SLF001 - Django documents it as public
    return users.filter(pk=user.pk).first() if user else None


def _is_allowed(user: Any) -> bool:
    return bool(user and user.is_active and getattr(user, "is_staff", False) and user.has_perm(PERMISSION))
