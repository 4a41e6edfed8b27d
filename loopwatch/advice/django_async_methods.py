"""Lists Django's asynchronous versions of its functions and methods: the same name with the prefix "a".

The list is that of Django 5.2, without methods that cannot replace the call by an ``await``, such as ``aiterator``,
and without those that hash a password, which Django 5.2 does on the event loop.
"""

from typing import Final

_QUERIES: Final = frozenset(
    {
        *("aggregate", "bulk_create", "bulk_update", "contains", "count", "create", "delete", "earliest", "exists"),
        *("explain", "first", "get", "get_or_create", "in_bulk", "last", "latest", "update", "update_or_create"),
    }
)
_CACHES: Final = frozenset(
    {
        *("add", "clear", "decr", "delete", "delete_many", "get", "get_many", "get_or_set"),
        *("has_key", "incr", "set", "set_many", "touch"),
    }
)
# Managers get all their methods from one closure, which is named so where no sample saw the method of the query set.
# https://github.com/django/django/blob/5.2/django/db/models/manager.py#L84
_MANAGER: Final = "django.db.models.manager.BaseManager._get_queryset_methods.create_method.manager_method"
# So do the clients of botocore, which makes their methods from descriptions of services.
# https://github.com/boto/botocore/blob/1.40.0/botocore/client.py#L575
_CLOSURES: Final = {_MANAGER, "botocore.client.ClientCreator._create_api_method._api_call"}
_BY_OWNER: Final = {
    "django.contrib.auth": frozenset({"login", "logout", "get_user", "update_session_auth_hash"}),
    "django.contrib.auth.models.PermissionsMixin": frozenset({"has_perm", "has_perms", "has_module_perms"}),
    "django.contrib.sessions.backends.base.SessionBase": frozenset(
        {
            *("cycle_key", "flush", "get", "get_expiry_age", "get_expiry_date", "has_key", "items", "keys", "pop"),
            *("set_expiry", "setdefault", "update", "values"),
        }
    ),
    "django.db.models.QuerySet": _QUERIES,
    "django.db.models.Model": frozenset({"save", "delete", "refresh_from_db"}),
    "django.shortcuts": frozenset({"get_object_or_404", "get_list_or_404"}),
}


def is_written_as(called_name: str, written: str) -> bool:
    """Return whether a call ``written`` so in the source can be a call of that function, judging by the names."""
    return called_name in _CLOSURES or called_name.rpartition(".")[2] == written


def async_method_of(called_name: str, written: str) -> str:
    """Return the name of the asynchronous version of a call that is ``written`` so in the source, or ``""``."""
    owner = called_name.rpartition(".")[0]
    if called_name == _MANAGER:
        known = _QUERIES
    elif owner.startswith("django.core.cache."):
        known = _CACHES
    else:
        known = _BY_OWNER.get(owner, frozenset())
    return f"a{written}" if written in known and is_written_as(called_name, written) else ""
