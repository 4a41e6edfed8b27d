"""Django's calls that wait for a backend or hash a password, and what Django sets up once. Data, like the catalogue.

Tests have backends in memory and a quick password hasher, so inside these calls nothing is known to block. On the site
they wait for a server, a disk or a slow hash, so the calls themselves are known. ``docs/strict.md`` has the reasons.

A method is recognized by the class of its object, because backends override it. Queries are missing, because Django
refuses them on the loop: https://docs.djangoproject.com/en/stable/topics/async/#async-safety
"""

from collections.abc import Mapping
from typing import Final

from loopwatch.detection.strict.catalogue import Kind, Known

Methods = Mapping[str, Known | None]
"""What is known of the methods of one name, by the class that has them; ``None`` for a subclass that never waits."""


def _known(kind: Kind, owner: str, names: str) -> dict[str, Known]:
    return {name: Known(f"{owner}.{name}", kind) for name in names.split()}


_SESSIONS: Final = _known(
    Kind.SESSION, "django.contrib.sessions.backends.base.SessionBase", "load save create exists delete"
)
_BACKENDS: Final[dict[str, Methods]] = {
    "django.core.mail.message.EmailMessage": _known(Kind.MAIL, "django.core.mail.EmailMessage", "send"),
    "django.core.mail.backends.base.BaseEmailBackend": _known(
        Kind.MAIL, "django.core.mail.backends.base.BaseEmailBackend", "open send_messages"
    ),
    "django.core.cache.backends.base.BaseCache": _known(
        Kind.CACHE,
        "django.core.cache.BaseCache",
        "add get set touch delete has_key incr decr get_or_set get_many set_many delete_many clear incr_version "
        "decr_version",
    ),
    "django.contrib.sessions.backends.base.SessionBase": _SESSIONS,
    "django.contrib.sessions.backends.signed_cookies.SessionStore": dict.fromkeys(_SESSIONS),  # the request has them
    "django.core.files.storage.base.Storage": _known(
        Kind.STORED_FILE,
        "django.core.files.storage.Storage",
        "open save delete exists listdir size get_accessed_time get_created_time get_modified_time",
    ),
    "django.tasks.backends.base.BaseTaskBackend": _known(
        Kind.TASK, "django.tasks.backends.base.BaseTaskBackend", "enqueue get_result"
    ),
}
METHODS: Final[Mapping[str, Methods]] = {
    name: {owner: known[name] for owner, known in _BACKENDS.items() if name in known}
    for name in sorted({name for known in _BACKENDS.values() for name in known})
}
FUNCTIONS: Final[Mapping[tuple[str, str], Known]] = {
    (module, name): known
    for module, names in (
        ("django.contrib.auth", "authenticate login logout"),
        ("django.contrib.auth.hashers", "check_password make_password"),
    )
    for name, known in _known(Kind.LOGIN, module, names).items()
}
BACKEND_KINDS: Final = frozenset({Kind.MAIL, Kind.CACHE, Kind.SESSION, Kind.STORED_FILE, Kind.LOGIN, Kind.TASK})
"""The kinds of these calls: how long one takes depends on the settings."""

PROXIES: Final = frozenset({"django.utils.connection"})
"""Modules whose functions pass calls on to a backend: ``"total" in cache``."""
SET_UP_ONCE: Final = frozenset(
    {
        ("django.utils.connection", "BaseConnectionHandler.__getitem__"),  # keeps a cache for one request
        ("django.core.files.storage.handler", "StorageHandler.__getitem__"),
        ("django.core.mail.utils", "CachedDnsName.get_fqdn"),
        ("django.template.utils", "EngineHandler.__getitem__"),
        ("django.template.loaders.cached", "Loader.get_template"),
        ("django.forms.renderers", "EngineMixin.engine"),
        ("django.utils.translation.trans_real", "DjangoTranslation.__init__"),
        ("jinja2.environment", "Environment._load_template"),
    }
)
"""What makes or reads something at its first use and keeps it. Functions that ``functools`` caches need no entry."""
