import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ImproperlyConfigured

from loopwatch.conf import Configuration, configuration, problems
from loopwatch.detection.cpython.site_packages import packages_of_site
from loopwatch.sign_of_life.address import ProbeAddress
from loopwatch.sign_of_life.signs import Signs


def on_blocking_call(call):
    """Named by the settings below."""


def redact(call):
    """Named by the settings below."""


class CallsACoroutine:
    async def __call__(self, call):
        pass


async def coroutine(call):
    """Named by the settings below."""


def test_every_key_is_optional(settings):
    settings.LOOPWATCH = {}
    assert configuration() == Configuration()
    settings.LOOPWATCH = {}  # Django says that a setting has changed, but not that it has been deleted
    del settings.LOOPWATCH
    assert configuration() == Configuration()


def test_a_thread_that_reads_settings_while_they_change_does_not_bring_the_old_ones_back(settings):
    is_read, is_changed = threading.Event(), threading.Event()

    def stop_here():
        is_read.set()
        assert is_changed.wait(60)

    class Settings(dict):
        reactions = iter([lambda: None, stop_here])  # they are judged first, and then taken

        def items(self):
            next(self.reactions)()
            return super().items()

    settings.LOOPWATCH = Settings(THRESHOLD_MS=7)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(configuration)
        assert is_read.wait(60)
        settings.LOOPWATCH = {"THRESHOLD_MS": 8}
        is_changed.set()
        assert reading.result().threshold_ms == 7
    assert configuration().threshold_ms == 8


def test_every_key_is_read(settings):
    settings.LOOPWATCH = {
        "ENABLED": False,
        "THRESHOLD_MS": 12.5,
        "ENGINE": "sampling",
        "TRACE_RATE": 0.01,
        "INCLUDE_PATHS": ["shop/"],
        "EXCLUDE_PATHS": ("boto3",),
        "IN_APP_PACKAGES": ["shop", "acme.orders"],
        "SINKS": ["log"],
        "ON_BLOCKING_CALL": "tests.test_conf.on_blocking_call",
        "REDACT": "tests.test_conf.redact",
        "DATABASE": "default",
        "EVENTS_PER_FINDING": 2,
        "EVENTS_KEPT_DAYS": 36_500,
        "FLUSH_INTERVAL_S": 0.05,
        "ONGOING_AFTER_S": 3600,
        "ALARM_MS": 700,
        "ADMIN_URL": "https://example.com/admin/",
        "LOOKOUT": True,
        "LOOKOUT_FOLDER": "/var/lib/site",
        "RELEASE": "1.2",
        "LIVENESS_ADDRESS": "0.0.0.0:8081",
        "LIVENESS_FILE": "/run/alive",
        "LIVENESS_SYSTEMD": True,
        "LIVENESS_AFTER_S": 5,
        "SOURCE_URL": "https://git.example/{release}/{path}#L{line}",
    }
    assert configuration() == Configuration(
        enabled=False,
        threshold_ms=12.5,
        trace_rate=0.01,
        include_paths=("shop/",),
        exclude_paths=("boto3",),
        in_app_packages=("shop", "acme.orders"),
        sinks=("log",),
        on_blocking_call=on_blocking_call,
        redact=redact,
        database="default",
        events_per_finding=2,
        events_kept_days=36_500,
        flush_interval_s=0.05,
        ongoing_after_s=3600,
        alarm_ms=700,
        admin_url="https://example.com/admin/",
        lookout=True,
        lookout_folder="/var/lib/site",
        release="1.2",
        liveness_address="0.0.0.0:8081",
        liveness_file="/run/alive",
        liveness_systemd=True,
        liveness_after_s=5,
        source_url="https://git.example/{release}/{path}#L{line}",
    )
    assert configuration().signs_of_life == Signs(ProbeAddress("0.0.0.0", 8081), "/run/alive", systemd=True)


def test_the_settings_are_read_once_and_again_when_they_change(settings):
    settings.LOOPWATCH = {"THRESHOLD_MS": 10}
    first = configuration()
    assert configuration() is first
    settings.LOOPWATCH = {"THRESHOLD_MS": 20}
    assert configuration().threshold_ms == 20


def test_a_path_into_a_script_that_exits_when_imported_is_a_problem(settings, tmp_path, monkeypatch):
    (tmp_path / "nightly_script.py").write_text("raise SystemExit(2)")
    monkeypatch.syspath_prepend(tmp_path)
    settings.LOOPWATCH = {"ON_BLOCKING_CALL": "nightly_script.notify"}
    with pytest.raises(ImproperlyConfigured, match="SystemExit"):
        configuration()


def test_a_setting_accepts_a_callable_object_instead_of_its_path(settings):
    settings.LOOPWATCH = {"ON_BLOCKING_CALL": print, "SINKS": [], "DATABASE": None}
    assert configuration().on_blocking_call is print


@pytest.mark.parametrize(
    ("value", "problem_id", "said"),
    [
        (None, "E001", "NoneType"),
        ([("ENABLED", True)], "E001", "list"),
        ({"TRESHOLD_MS": 5}, "E002", 'Did you mean "THRESHOLD_MS"?'),
        ({"threshold_ms": 5}, "E002", 'Did you mean "THRESHOLD_MS"?'),
        ({"COLOUR": 5}, "E002", "Known keys: ENABLED"),
        ({5: 5}, "E002", "5"),
        ({None: 5}, "E002", "None"),
        ({"ENABLED": None}, "E003", "True, False, a number from 0 to 1"),
        ({"ENABLED": [True]}, "E003", "a number from 0 to 1"),
        ({"ENABLED": 1.01}, "E004", "from 0 to 1"),
        ({"ENABLED": float("nan")}, "E004", "nan"),
        ({"ENABLED": "shop.nowhere"}, "E006", "'shop.nowhere'"),
        ({"ENABLED": "tests.settings.SECRET_KEY"}, "E003", "callable"),
        ({"ENABLED": coroutine}, "E007", "coroutine"),
        ({"TRACE_RATE": True}, "E003", "a number from 0 to 1"),
        ({"TRACE_RATE": -0.1}, "E004", "from 0 to 1"),
        ({"TRACE_RATE": 5}, "E004", "from 0 to 1"),
        ({"THRESHOLD_MS": True}, "E003", "a number from 1 to 60000"),
        ({"THRESHOLD_MS": "50"}, "E003", "'50'"),
        ({"THRESHOLD_MS": None}, "E003", "None"),
        ({"THRESHOLD_MS": 0.99}, "E004", "0.99"),
        ({"THRESHOLD_MS": 60_001}, "E004", "60001"),
        ({"THRESHOLD_MS": float("nan")}, "E004", "nan"),
        ({"THRESHOLD_MS": float("inf")}, "E004", "inf"),
        ({"ENGINE": "steam"}, "E005", '"sampling"'),
        ({"ENGINE": ["sampling"]}, "E005", "sampling"),
        ({"INCLUDE_PATHS": "shop"}, "E003", "a list of parts of paths"),
        ({"EXCLUDE_PATHS": [""]}, "E003", "a list of parts of paths"),
        ({"EXCLUDE_PATHS": [None]}, "E003", "a list of parts of paths"),
        *[
            ({"IN_APP_PACKAGES": each}, "E003", "names of packages")
            for each in ("shop", [""], [5], ["shop/"], [".shop"])
        ],
        ({"SINKS": "database"}, "E003", "a list of any of"),
        ({"SINKS": ["database", "email"]}, "E005", "'email'"),
        ({"SINKS": [["database"]]}, "E005", "['database']"),
        ({"SINKS": ["log", "log"]}, "E005", "'log' twice"),
        ({"ON_BLOCKING_CALL": "tests.test_conf.nowhere"}, "E006", "nowhere"),
        ({"ON_BLOCKING_CALL": "nowhere"}, "E006", "ImportError"),
        ({"ON_BLOCKING_CALL": ""}, "E006", "does not import"),
        ({"ON_BLOCKING_CALL": "tests.settings.SECRET_KEY"}, "E003", "callable"),
        ({"ON_BLOCKING_CALL": 5}, "E003", "callable"),
        ({"ON_BLOCKING_CALL": coroutine}, "E007", "coroutine"),
        ({"ON_BLOCKING_CALL": "tests.test_conf.coroutine"}, "E007", "coroutine"),
        ({"REDACT": "nowhere"}, "E006", "REDACT"),
        ({"REDACT": coroutine}, "E007", "REDACT"),
        ({"REDACT": CallsACoroutine()}, "E007", "REDACT"),
        ({"DATABASE": "replica"}, "E008", '"default"'),
        ({"DATABASE": 5}, "E003", "alias"),
        ({"EVENTS_PER_FINDING": 1}, "E004", "from 2 to 10000"),
        ({"EVENTS_PER_FINDING": 50.0}, "E003", "a whole number"),
        ({"EVENTS_KEPT_DAYS": 0}, "E004", "from 1 to 36500"),
        ({"EVENTS_KEPT_DAYS": None}, "E003", "a whole number"),
        ({"FLUSH_INTERVAL_S": 0}, "E004", "from 0.05 to 60"),
        ({"ONGOING_AFTER_S": 3601}, "E004", "3600"),
        *[({"ENABLED": each}, "E003", "Convert it") for each in ("yes", "False", "0", "1", "0.5", "")],
        ({"ALARM_MS": 0}, "E004", "from 1 to 3600000"),
        ({"ADMIN_URL": "/admin/"}, "E003", "https://example.com/admin/"),
        ({"ADMIN_URL": 5}, "E003", "the URL of the admin"),
        ({"RELEASE": None}, "E003", "a string"),
        ({"RELEASE": "x" * 101}, "E004", "101 characters"),
        ({"LIVENESS_ADDRESS": True}, "E003", "a port"),
        ({"LIVENESS_ADDRESS": 8081.0}, "E003", "a port"),
        ({"LIVENESS_ADDRESS": 0}, "E004", "a port"),
        ({"LIVENESS_ADDRESS": "localhost:8081"}, "E004", "an IP address"),
        ({"LOOKOUT_FOLDER": True}, "E003", "the path of a folder"),
        ({"LIVENESS_FILE": ""}, "E003", "the path of a file"),
        ({"LIVENESS_FILE": "a\0b"}, "E003", "the path of a file"),
        ({"LIVENESS_SYSTEMD": 1}, "E003", "True or False"),
        ({"LIVENESS_AFTER_S": 0}, "E004", "from 0.1 to 3600"),
        ({"SOURCE_URL": 5}, "E003", "a URL with"),
        ({"SOURCE_URL": "https://git.example/"}, "E004", "a URL with"),
        ({"SOURCE_URL": "https://git.example/{path}/{0}"}, "E004", "a URL with"),
        ({"SOURCE_URL": "https://git.example/{path"}, "E004", "a URL with"),
        ({"SOURCE_URL": "javascript:{path}"}, "E004", "a URL with"),
        ({"SOURCE_URL": "https://git.example/{path:d}"}, "E004", "a URL with"),
        ({"SOURCE_URL": "https://git.example/{path}#{line!z}"}, "E004", "a URL with"),
        ({"SOURCE_URL": "https://git.example/{path}#{line:{width}}"}, "E004", "a URL with"),
    ],
)
def test_a_wrong_setting_is_reported_with_a_remedy(settings, value, problem_id, said):
    settings.LOOPWATCH = value
    (problem,) = problems()
    assert problem.id == f"loopwatch.{problem_id}"
    assert said in str(problem)
    assert problem.hint
    with pytest.raises(ImproperlyConfigured) as raised:
        configuration()
    assert str(problem) in str(raised.value)


def test_the_value_of_another_setting_is_not_shown(settings):
    settings.LOOPWATCH = {"ON_BLOCKING_CALL": "tests.settings.SECRET_KEY"}
    assert settings.SECRET_KEY not in str(next(problems()))


def test_all_problems_of_the_settings_are_reported_at_once(settings):
    settings.LOOPWATCH = {"ENABLED": None, "ENGINE": None, "X": None}
    with pytest.raises(ImproperlyConfigured) as raised:
        configuration()
    assert [f"loopwatch.E00{number}" in str(raised.value) for number in (3, 5, 2)] == [True] * 3


def test_the_packages_of_the_settings_and_of_the_urls_are_the_sites(settings):
    settings.ROOT_URLCONF = "acme.urls"
    settings.LOOPWATCH = {"IN_APP_PACKAGES": ["shop.orders"]}
    assert packages_of_site() == ("shop.orders", "acme", "tests")


@pytest.mark.parametrize("broken", [5, {"IN_APP_PACKAGES": 5}, {"IN_APP_PACKAGES": [None]}])
def test_broken_settings_name_no_package_but_those(settings, broken):
    settings.LOOPWATCH = broken
    assert packages_of_site() == ("tests",)
