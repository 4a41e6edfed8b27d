"""Checks for a backend of Django's tasks that runs them where they are enqueued."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name
from django.utils.module_loading import import_string

from loopwatch.detection.cpython.namespaces import ancestors, module_and_qualname, namespace_of

# Django's, from 6.0 on, and that of the package for earlier versions: https://github.com/RealOrangeOne/django-tasks
_IMMEDIATE = tuple(f"{package}.backends.immediate.ImmediateBackend" for package in ("django.tasks", "django_tasks"))
_TASK = tuple(f"{package}.base.Task" for package in ("django.tasks", "django_tasks"))


def check_tasks(**_: Any) -> list[CheckMessage]:
    """loopwatch.W015: tasks run at once, in the request that enqueues them."""
    aliases = _immediate_aliases()
    if not aliases:
        return []
    names = ", ".join(f'TASKS["{alias}"]' for alias in aliases)
    return [
        Warning(
            f"{names} runs a task at once, where it is enqueued: enqueue() in async code stops the event loop until "
            "the task has ended, and aenqueue() holds the thread of sync_to_async for as long.",
            hint="Use a backend with a worker, such as that of django-tasks-db, or silence this.",
            id="loopwatch.W015",
        )
    ]


def _immediate_aliases() -> list[str]:
    """Return the aliases whose backend is immediate, if the site sets them or has tasks: it is Django's default."""
    configured = getattr(settings, "TASKS", None)
    if not isinstance(configured, Mapping) or not (_is_set() or _has_tasks()):
        return []
    return [
        str(alias)
        for alias, task in configured.items()
        if isinstance(task, Mapping) and _is_immediate(task.get("BACKEND", ""))
    ]


def _is_set() -> bool:
    is_overridden: Callable[[str], bool] = getattr(settings, "is_overridden")  # noqa: B009 - django-stubs lacks it
    return is_overridden("TASKS")


def _is_immediate(backend: str) -> bool:
    try:
        return backend in _IMMEDIATE or any(_name(each) in _IMMEDIATE for each in ancestors(import_string(backend)))
    except Exception:  # noqa: BLE001 - Django reports a wrong backend
        return False


def _has_tasks() -> bool:
    """Return whether a module ``tasks`` of an app that is loaded already has a task."""
    loaded = (sys.modules.get(f"{each.name}.tasks") for each in apps.get_app_configs())
    return any(_name(type(value)) in _TASK for module in loaded if module for value in namespace_of(module).values())


def _name(each: type) -> str:
    return ".".join(module_and_qualname(each))
