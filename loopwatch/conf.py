"""The settings: one dict ``LOOPWATCH``, every key optional, read when first needed.

Only ``problems()`` judges the settings; ``configuration()`` and the system checks both call it.
"""

import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from string import Formatter
from typing import Any

from django.conf import ENVIRONMENT_VARIABLE, settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from loopwatch.detection.callback_thread import is_coroutine_function
from loopwatch.detection.calls import ENGINES, SAMPLING, BlockingCall
from loopwatch.detection.cpython.site_packages import count_as_in_app
from loopwatch.detection.loggers import logger_of
from loopwatch.sign_of_life.address import probe_address
from loopwatch.sign_of_life.signs import Signs

SETTINGS_READ = frozenset({"LOOPWATCH", "DATABASES"})
"""The Django settings that the configuration depends on."""
SINKS = ("database", "log", "signal", "live", "metrics")

logger = logger_of()


@dataclass(frozen=True, slots=True)
class Configuration:
    """The validated settings; the names are the keys of ``LOOPWATCH`` in lower case."""

    enabled: bool | float | Callable[[], object] = True
    threshold_ms: float = 50.0
    engine: str = SAMPLING
    trace_rate: float = 0.0
    include_paths: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()
    in_app_packages: tuple[str, ...] = ()
    sinks: tuple[str, ...] = SINKS
    on_blocking_call: Callable[[BlockingCall], object] | None = None
    redact: Callable[[BlockingCall], BlockingCall | None] | None = None
    database: str | None = None
    events_per_finding: int = 50
    events_kept_days: int = 90
    flush_interval_s: float = 1.0
    ongoing_after_s: float = 5.0
    alarm_ms: float = 5_000.0
    admin_url: str | None = None
    thread_waits: bool = True
    lookout: bool = False
    lookout_folder: str | None = None
    release: str = ""
    source_url: str = ""
    liveness_address: int | str | None = None
    liveness_file: str | None = None
    liveness_systemd: bool = False
    liveness_after_s: float = 10.0

    @property
    def signs_of_life(self) -> Signs:
        """The signs that the four settings of liveness ask for."""
        address = None if self.liveness_address is None else probe_address(self.liveness_address)
        return Signs(address, self.liveness_file, self.liveness_systemd)


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in the settings, and how to correct it."""

    id: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.message} {self.hint} ({self.id})"


_changes = 0
"""Counts the changes of the settings, which only tests make."""


def configuration() -> Configuration:
    """Return the current settings.

    Raises ``ImproperlyConfigured`` with every problem and its remedy.
    """
    return _configuration(_changes)


@cache
def _configuration(_changes: int) -> Configuration:
    """Read the settings. A thread that does so during a change keeps the old ones under the old number."""
    found = list(problems())
    if found:
        raise ImproperlyConfigured("\n".join(str(problem) for problem in found))
    values = {key.lower(): _plain(value) for key, value in _raw().items()}
    for name in ("enabled", "on_blocking_call", "redact"):
        if isinstance(values.get(name), str):
            values[name] = import_string(values[name])
    return Configuration(**values)


def count_packages_of_site() -> None:
    """Have the code of ``IN_APP_PACKAGES`` count as the site's, and that beside its settings and URLs. Never raises."""
    modules = [os.environ.get(ENVIRONMENT_VARIABLE), getattr(settings, "ROOT_URLCONF", "")]
    packages = {module.partition(".")[0] for module in modules if isinstance(module, str)}
    raw = _raw()
    named = raw.get("IN_APP_PACKAGES", ()) if isinstance(raw, Mapping) else ()
    count_as_in_app((*(() if any(_packages("", named)) else named), *sorted(packages - {"", "django"})))


def is_process_chosen(enabled: bool | float | Callable[[], object]) -> bool:
    """Decide by the setting ``ENABLED`` whether this process is watched; a probability is drawn. Never raises."""
    if callable(enabled):
        try:
            return bool(enabled())
        except (Exception, SystemExit):  # which would end the server
            logger.exception('This process is not watched, because LOOPWATCH["ENABLED"] raised')
            return False
    # The site may have seeded the common generator with the same value in every process.
    return random.SystemRandom().random() < enabled


def problems() -> Iterator[Problem]:
    """Yield every mistake in ``settings.LOOPWATCH``, in the order of its keys."""
    raw = _raw()
    if not isinstance(raw, Mapping):
        yield Problem(
            "loopwatch.E001",
            f"LOOPWATCH is a {type(raw).__name__}, not a dict.",
            'Write it as LOOPWATCH = {"THRESHOLD_MS": 50}, or leave it out.',
        )
        return
    for key, value in raw.items():
        judge = _JUDGES.get(key) if isinstance(key, str) else None
        yield from judge(f'LOOPWATCH["{key}"]', value) if judge else _unknown(key)


def misspelt() -> Iterator[Problem]:
    """Yield the settings of the site that mean ``LOOPWATCH`` or one of its keys, and that nothing reads."""
    raw = _raw()
    keys = raw if isinstance(raw, Mapping) else {}
    for name in filter(str.isupper, dir(settings)):
        key = name.removeprefix("LOOPWATCH_")
        # A site may keep the value of a key in a setting of its own.
        if (
            key != name
            and (meant := get_close_matches(key, _JUDGES, n=1))
            and keys.get(meant[0]) != getattr(settings, name)
        ):
            yield Problem("loopwatch.W016", f"Nothing reads {name}.", f'Write it as LOOPWATCH = {{"{meant[0]}": …}}.')
        elif key == name != "LOOPWATCH" and get_close_matches(name, ["LOOPWATCH"], cutoff=0.85):
            yield Problem("loopwatch.W016", f"Nothing reads {name}.", "Name the setting LOOPWATCH.")


def _raw() -> Any:
    return getattr(settings, "LOOPWATCH", {})


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _unknown(key: object) -> Iterator[Problem]:
    nearest = get_close_matches(str(key).upper(), _JUDGES, n=1)
    hint = f'Did you mean "{nearest[0]}"?' if nearest else f"Known keys: {', '.join(_JUDGES)}."
    yield Problem("loopwatch.E002", f"LOOPWATCH has an unknown key {key!r}.", hint)


def _wrong_type(name: str, value: object, wanted: str) -> Problem:
    return Problem("loopwatch.E003", f"{name} is {value!r:.100}, which is not {wanted}.", f"Set it to {wanted}.")


def _boolean(name: str, value: object) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield _wrong_type(name, value, "True or False")


def _enabled(name: str, value: object) -> Iterator[Problem]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number(0, 1)(name, value)
    elif isinstance(value, str) and (value.strip().replace(".", "", 1).isdecimal() or "." not in value):
        yield Problem(
            "loopwatch.E003",
            f"{name} is the string {value!r:.100}, as the environment has it.",
            'Convert it, such as by os.environ["LOOPWATCH"] == "on"; only the dotted path of a callable is a string.',
        )
    elif isinstance(value, str) or callable(value):
        yield from _function("myproject.canary.is_watched")(name, value)
    elif not isinstance(value, bool):
        yield _wrong_type(name, value, "True, False, a number from 0 to 1, a callable or the dotted path of one")


def _number(
    low: float, high: float, kinds: tuple[type[int | float], ...] = (int, float)
) -> Callable[[str, Any], Iterator[Problem]]:
    wanted = "a number" if float in kinds else "a whole number"

    def judge(name: str, value: Any) -> Iterator[Problem]:
        if isinstance(value, bool) or not isinstance(value, kinds):
            yield _wrong_type(name, value, f"{wanted} from {low} to {high}")
        elif not low <= value <= high:
            yield Problem("loopwatch.E004", f"{name} is {value}.", f"Set it to {wanted} from {low} to {high}.")

    return judge


def _release(name: str, value: object) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield _wrong_type(name, value, "a string of at most 100 characters")
    elif len(value) > 100:
        yield Problem("loopwatch.E004", f"{name} has {len(value)} characters.", "Shorten it to 100 or fewer.")


def _source_url(name: str, value: object) -> Iterator[Problem]:
    wanted = 'a URL with "{path}", and "{line}" and "{release}" if you like, or an empty string'
    if not isinstance(value, str):
        yield _wrong_type(name, value, wanted)
        return
    try:
        fields = [field for _text, *field in Formatter().parse(value) if field[0] is not None]
        named = {"".join(map(str, filter(None, field))) for field in fields}  # with its format and conversion
    except ValueError:
        named = set()
    is_url = value.startswith(("https://", "http://")) and "path" in named and named <= {"path", "line", "release"}
    if value and not is_url:
        yield Problem("loopwatch.E004", f"{name} is {value!r:.200}.", f"Set it to {wanted}.")


def _paths(name: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(path, str) and path for path in value):
        yield _wrong_type(name, value, 'a list of parts of paths, such as ["myproject/"]')


def _packages(name: str, value: Any) -> Iterator[Problem]:
    names = value if isinstance(value, (list, tuple)) else [None]
    if not all(isinstance(each, str) and all(map(str.isidentifier, each.split("."))) for each in names):
        yield _wrong_type(name, value, 'a list of names of packages, such as ["shop", "acme.orders"]')


def _engine(name: str, value: object) -> Iterator[Problem]:
    if value not in ENGINES:
        yield Problem("loopwatch.E005", f"{name} is {value!r:.100}.", f"Choose one of: {_quoted(ENGINES)}.")


def _sinks(name: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, (list, tuple)):
        yield _wrong_type(name, value, f"a list of any of {_quoted(SINKS)}")
        return
    for position, sink in enumerate(value):
        if sink not in SINKS:
            yield Problem("loopwatch.E005", f"{name} contains {sink!r:.100}.", f"Choose from: {_quoted(SINKS)}.")
        elif sink in value[:position]:
            yield Problem("loopwatch.E005", f"{name} contains {sink!r} twice.", "Name each sink once.")


def _callback(name: str, value: Any) -> Iterator[Problem]:
    if value is not None:
        yield from _function("myproject.alerts.on_blocking_call")(name, value)


def _function(example: str) -> Callable[[str, Any], Iterator[Problem]]:
    def judge(name: str, value: Any) -> Iterator[Problem]:
        target = value
        if isinstance(value, str):
            try:
                target = import_string(value)
            # Importing runs the site's code, which may raise anything; a script may exit.
            except (Exception, SystemExit) as error:  # noqa: BLE001
                yield Problem(
                    "loopwatch.E006",
                    f"{name} names {value!r:.200}, which does not import ({type(error).__name__}: {error}).",
                    f'Give the dotted path of a function, such as "{example}".',
                )
                return
        if not callable(target):
            yield _wrong_type(name, value, "None, a callable or the dotted path of one")
        elif is_coroutine_function(target):
            yield Problem(
                "loopwatch.E007",
                f"{name} is a coroutine function.",
                "Make it a plain function: its result is not awaited.",
            )

    return judge


def _database(name: str, value: object) -> Iterator[Problem]:
    if value is not None and not isinstance(value, str):
        yield _wrong_type(name, value, "None or an alias in DATABASES")
    elif value is not None and value not in settings.DATABASES:
        known = _quoted(tuple(settings.DATABASES))
        yield Problem(
            "loopwatch.E008",
            f"{name} is {value!r:.100}, which is not in DATABASES.",
            f"Choose one of: {known}; or None, to let the database router decide.",
        )


def _address(name: str, value: Any) -> Iterator[Problem]:
    wanted = 'None, a port or an IP address with a port, such as "0.0.0.0:8081"'
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | str):
        yield _wrong_type(name, value, wanted)
        return
    try:
        probe_address(value)
    except ValueError:
        yield Problem("loopwatch.E004", f"{name} is {value!r:.100}.", f"Set it to {wanted}.")


def _url(name: str, value: object) -> Iterator[Problem]:
    if value is not None and (not isinstance(value, str) or not value.startswith(("http://", "https://"))):
        yield _wrong_type(name, value, 'None or the URL of the admin, such as "https://example.com/admin/"')


def _path_of(kind: str) -> Callable[[str, Any], Iterator[Problem]]:
    def judge(name: str, value: object) -> Iterator[Problem]:
        if value is not None and (not isinstance(value, str) or not value or "\0" in value):
            yield _wrong_type(name, value, f"None or the path of a {kind}")

    return judge


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


_JUDGES: dict[str, Callable[[str, Any], Iterator[Problem]]] = {
    "ENABLED": _enabled,
    "THRESHOLD_MS": _number(1, 60_000),
    "ENGINE": _engine,
    "TRACE_RATE": _number(0, 1),
    "INCLUDE_PATHS": _paths,
    "EXCLUDE_PATHS": _paths,
    "IN_APP_PACKAGES": _packages,
    "SINKS": _sinks,
    "ON_BLOCKING_CALL": _callback,
    "REDACT": _callback,
    "DATABASE": _database,
    "EVENTS_PER_FINDING": _number(2, 10_000, (int,)),
    "EVENTS_KEPT_DAYS": _number(1, 36_500, (int,)),
    "FLUSH_INTERVAL_S": _number(0.05, 60),
    "ONGOING_AFTER_S": _number(0.1, 3600),
    "ALARM_MS": _number(1, 3_600_000),
    "ADMIN_URL": _url,
    "THREAD_WAITS": _boolean,
    "LOOKOUT": _boolean,
    "LOOKOUT_FOLDER": _path_of("folder"),
    "RELEASE": _release,
    "SOURCE_URL": _source_url,
    "LIVENESS_ADDRESS": _address,
    "LIVENESS_FILE": _path_of("file"),
    "LIVENESS_SYSTEMD": _boolean,
    "LIVENESS_AFTER_S": _number(0.1, 3600),
}


def _forget(*, setting: str, **_: object) -> None:
    global _changes  # noqa: PLW0603
    if setting in SETTINGS_READ:
        _changes += 1
        _configuration.cache_clear()
        count_packages_of_site()


setting_changed.connect(_forget)
