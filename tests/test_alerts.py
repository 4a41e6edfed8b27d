"""People are told about findings by what a site has: the recipes of docs/alerts.md, as they are printed there."""

import ast
import json
import logging
import logging.config
import os
import queue
import re
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import django
import pytest
from django.core import mail

from loopwatch.detection.loggers import SafeLogger
from loopwatch.models import Finding
from loopwatch.signals import finding_changed
from tests.databases import on_sqlite
from tests.recorder.calls import FRAME, blocking_call
from tests.recorder.conftest import recorder_of, told
from tests.support.children import run
from tests.support.waiting import wait_until

__all__ = ["recorder_of", "told"]

RECIPES = (Path(__file__).resolve().parent.parent / "docs" / "alerts.md").read_text(encoding="utf-8")
SINKS = ("database", "log", "signal")
ADMIN_URL = "https://shop.example/admin/"


def recipe(heading):
    """Return the code of a section."""
    return re.search(rf"^## {heading}\n.*?```python\n(.*?)```", RECIPES, re.MULTILINE | re.DOTALL)[1]


@contextmanager
def followed(heading):
    """Follow the recipe of a section that receives the signal, until the block ends."""
    before = list(finding_changed.receivers)
    names = {}
    exec(recipe(heading), names)  # receivers are held by ``names``
    yield names
    finding_changed.receivers = before
    finding_changed.sender_receivers_cache.clear()


@pytest.fixture
def stall(recorder_of, database):
    """Records a stall of a new finding, and returns the recorder."""

    def stall(**changes):
        recorder = recorder_of(sinks=SINKS, admin_url=ADMIN_URL)
        recorder.put(blocking_call(**changes))
        assert recorder.flush(60)
        return recorder

    return stall


@pytest.fixture
def posted(settings):
    """A web hook, whose address is in the settings, and the content that was posted to it."""
    contents = queue.Queue()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            contents.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        settings.SLACK_WEBHOOK = settings.PAGERDUTY_URL = f"http://127.0.0.1:{server.server_port}/hook"
        settings.PAGERDUTY_KEY = "a key"
        yield contents
        server.shutdown()
        thread.join()


@pytest.fixture
def admins(settings):
    """Mail to this site's admins is kept in ``mail.outbox``."""
    address = "ada@shop.example"
    settings.ADMINS = [address] if django.VERSION >= (6, 0) else [("Ada", address)]
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}


@pytest.fixture
def findings_log():
    """The logger as it was before."""
    logger = logging.getLogger("loopwatch.findings")
    before = logger.handlers[:]
    yield logger
    logger.handlers[:] = before


@pytest.fixture
def hanging(findings_log):
    """A handler that waits until the test is over."""

    class Hanging(logging.Handler):
        entered, over = threading.Event(), threading.Event()

        def emit(self, record):
            self.entered.set()
            self.over.wait(60)

    handler = Hanging()
    findings_log.addHandler(handler)
    yield handler
    handler.over.set()


def lines(caplog):
    return [record for record in caplog.records if record.name == "loopwatch.findings"]


@on_sqlite
def test_a_new_finding_is_one_error_with_a_link(stall, caplog):
    stall()
    stall()
    (record,) = lines(caplog)
    url = f"{ADMIN_URL}loopwatch/finding/{Finding.objects.get().pk}/change/"
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("New finding: time.sleep blocked the event loop for 100.0 ms in shop.views.")
    assert record.getMessage().endswith(f":12); POST checkout/<int:pk>/; {url}")
    assert (record.loopwatch_change, record.loopwatch_url) == ("new", url)


@on_sqlite
def test_a_receiver_that_raises_is_counted_and_the_log_has_its_line(stall, caplog):
    def fail(**_):
        raise ValueError("hunter2")

    finding_changed.connect(fail)
    try:
        recorder = stall()
    finally:
        finding_changed.disconnect(fail)
    assert len(lines(caplog)) == 1
    assert recorder.stats().errors == {"findings-signal": 1}
    assert recorder.stats().stored == 1


@on_sqlite
def test_a_handler_that_raises_does_no_harm(stall, findings_log, told, monkeypatch):
    class Failing(logging.Handler):
        def emit(self, record):
            raise SystemExit

    monkeypatch.setattr(SafeLogger, "has_failed", True)  # nothing is printed
    findings_log.addHandler(Failing())
    assert stall().stats().stored == 1
    assert len(told) == 1


@on_sqlite
def test_a_handler_that_hangs_delays_neither_recorder_nor_signal(recorder_of, database, hanging, told, caplog):
    recorder = recorder_of(sinks=SINKS)
    for function in ("views.one", "views.two"):
        recorder.put(blocking_call(function=function))
        assert not recorder.flush(0)
        assert hanging.entered.wait(60)
        wait_until(lambda function=function: told and told[-1].function == function)
    assert Finding.objects.count() == 2
    assert not recorder.stop(0.2)
    assert "Stopped before 2 changes of findings reached 'findings-log'." in caplog.messages


@on_sqlite
def test_nobody_is_told_on_the_thread_that_records(stall):
    threads = []
    finding_changed.connect(receive := (lambda **_: threads.append(threading.current_thread().name)))
    stall()
    finding_changed.disconnect(receive)
    assert threads == ["loopwatch-findings-signal"]


@on_sqlite
def test_mail_is_sent_by_djangos_handler(stall, admins, findings_log):
    names = {}
    exec(recipe("Mail"), names)
    logging.config.dictConfig(names["LOGGING"])
    stall()
    (message,) = mail.outbox
    assert message.to == ["ada@shop.example"]
    assert "New finding: time.sleep blocked the event loop" in message.subject
    assert f"{ADMIN_URL}loopwatch/finding/" in message.body


@on_sqlite
def test_in_the_first_days_only_long_stalls_and_reopened_findings_are_mailed(stall, admins, findings_log):
    names = {}
    exec(recipe("The first days"), names)
    logging.config.dictConfig(names["LOGGING"])
    stall()
    assert mail.outbox == []
    Finding.objects.update(status=Finding.Status.RESOLVED)
    stall()
    stall(function="shop.views.cart", duration_ms=1_000.0)
    first, second = [message.body for message in mail.outbox]
    assert "Reopened finding: time.sleep blocked the event loop for 100.0 ms in shop.views.checkout" in first
    assert "New finding: time.sleep blocked the event loop for 1000.0 ms in shop.views.cart" in second


@on_sqlite
def test_a_level_silences_the_records_but_not_the_signal_as_documented(stall, findings_log, told, caplog):
    (loggers,) = re.findall(r'`"loggers": (\{.+\})` in `LOGGING`', RECIPES)
    before = findings_log.level
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, "loggers": ast.literal_eval(loggers)})
    try:
        stall()
    finally:
        findings_log.setLevel(before)
    assert lines(caplog) == []
    assert len(told) == 1


@on_sqlite
def test_slack_gets_a_message_that_names_cannot_change(stall, posted):
    with followed("Slack"):
        recorder = stall(function="<!channel>")
    assert recorder.stats().errors == {}
    content = posted.get(timeout=60)
    assert content["text"].startswith("New finding: time.sleep blocked the event loop for 100.0 ms in &lt;!channel&gt;")
    assert posted.empty()


@on_sqlite
def test_pagerduty_gets_an_incident_for_a_long_stall(stall, posted):
    with followed("PagerDuty"):
        stall()
        recorder = stall(duration_ms=6_000.0)
    assert recorder.stats().errors == {}
    incident = posted.get(timeout=60)
    finding = Finding.objects.get()
    assert (incident["routing_key"], incident["event_action"]) == ("a key", "trigger")
    assert incident["dedup_key"] == f"loopwatch-{finding.fingerprint}"
    assert incident["payload"]["summary"].startswith("Long stall: time.sleep")
    assert incident["payload"]["severity"] == "critical"
    assert incident["links"][0]["href"] == f"{ADMIN_URL}loopwatch/finding/{finding.pk}/change/"
    assert posted.empty()


SENTRY = """
import django, json, sys
from django.conf import settings
settings.configure(INSTALLED_APPS=["loopwatch"], DATABASES={"default": {
    "ENGINE": "django.db.backends.sqlite3", "NAME": "stalls.sqlite3"}})
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
import sentry_sdk
from sentry_sdk.transport import Transport
events = []
class Kept(Transport):
    def capture_envelope(self, envelope):
        events.append(envelope.get_event())
# Without the integrations for what else is installed: an older SDK may not know a newer library.
sentry_sdk.init(dsn="http://key@127.0.0.1/1", transport=Kept, auto_enabling_integrations=False)
exec(sys.argv[1])
from loopwatch.conf import Configuration
from loopwatch.recorder.recorder import Recorder
from tests.recorder.calls import blocking_call
recorder = Recorder(Configuration(sinks=("database", "log", "signal"), flush_interval_s=600, admin_url="https://a/"))
recorder.start()
for function in ("shop.views.checkout", "shop.views.cart"):
    recorder.put(blocking_call(function=function))
assert recorder.stop(60)
assert recorder.stats().errors == {}, recorder.stats()
print(json.dumps([event for event in events if event["logger"] == "loopwatch.findings"]))
"""


def test_sentry_gets_an_issue_for_each_finding_with_its_stack(tmp_path):
    pytest.importorskip("sentry_sdk", reason="sentry-sdk is not installed (pip install --group test)")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = run([sys.executable, "-c", SENTRY, recipe("Sentry")], cwd=tmp_path, env=environment)
    assert ended.returncode == 0, ended.stderr
    events = json.loads(ended.stdout.splitlines()[-1])
    assert len({tuple(event["fingerprint"]) for event in events}) == len(events) == 2
    for event in events:
        (problem,) = event["exception"]["values"]
        assert problem["type"] == "time.sleep"
        assert problem["stacktrace"]["frames"][0]["lineno"] == FRAME.lineno
        assert event["extra"]["finding"].startswith("https://a/loopwatch/finding/")
        assert event["transaction"] == "POST checkout/<int:pk>/"
