"""A site that keeps the stalls in a database of their own: the other one does not even have the tables."""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.children import run

ROOT = Path(__file__).resolve().parent.parent
LOOPWATCH_APART = """
class Apart:
    def allow_migrate(self, db, app_label, **hints):
        return (app_label == "loopwatch") == (db == "stalls")

class Routed(Apart):
    def db_for_read(self, model, **hints):
        return "stalls" if model._meta.app_label == "loopwatch" else None

    db_for_write = db_for_read
"""
SETTINGS = """
from tests.settings import *

ALLOWED_HOSTS = ["testserver"]
DATABASES = {
    name: {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{name}.sqlite3"} for name in ("default", "stalls")
}
"""
BY = {
    "router": 'DATABASE_ROUTERS = ["routers.Routed"]',
    "setting": 'DATABASE_ROUTERS = ["routers.Apart"]\nLOOPWATCH = {"DATABASE": "stalls"}',
}
SCRIPT = """
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from django.test import Client
from loopwatch.conf import configuration
from loopwatch.models import BlockingEvent, Finding
from loopwatch.recorder.recorder import Recorder
from tests.recorder.calls import blocking_call

for alias in connections:
    call_command("migrate", database=alias, verbosity=0)
recorder = Recorder(configuration())
recorder.start()
for number in range(30):
    stall_id = f"stall {number // 2}"
    recorder.put(blocking_call(stall_id=stall_id, ongoing=number % 2 == 0, function=f"views.f{number % 3}"))
assert recorder.stop(30)
assert recorder.stats().errors == {}, recorder.stats()

User.objects.create_superuser("ada", password="secret")
client = Client()
assert client.login(username="ada", password="secret")
finding = Finding.objects.using("stalls").first()
event = BlockingEvent.objects.using("stalls").first()
listed = "/admin/loopwatch/finding/"
for page in (listed, f"{listed}?q=sleep", f"{listed}{finding.pk}/change/", f"{listed}{finding.pk}/delete/",
             "/admin/loopwatch/blockingevent/", f"/admin/loopwatch/blockingevent/{event.pk}/change/"):
    assert client.get(page).status_code == 200, page
deleted = Finding.objects.using("stalls").last()
for action, selected in (("delete_selected", deleted), ("resolve", finding)):
    answer = client.post(listed, {"action": action, "_selected_action": [selected.pk], "post": "yes"})
    assert answer.status_code == 302, (action, answer.content)
left = Finding.objects.using("stalls").order_by("pk").values_list("status", flat=True)
assert list(left) == ["resolved", "open"], left
call_command("loopwatch_report")
call_command("loopwatch_prune", older_than="1h")
"""

REPLICATED = """
class Replicated:
    def db_for_read(self, model, **hints):
        return "replica" if model._meta.app_label == "loopwatch" else None

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, one, other, **hints):
        return True
"""
REPLICATED_SETTINGS = """
from tests.settings import *

ALLOWED_HOSTS = ["testserver"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "default.sqlite3"},
    "replica": {
        "ENGINE": "django.db.backends.sqlite3", "NAME": "file:default.sqlite3?mode=ro", "OPTIONS": {"uri": True}
    },
}
DATABASE_ROUTERS = ["routers.Replicated"]
"""
CHANGES = """
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from loopwatch.models import BlockingEvent, Finding, ProcessHealth
from tests.stored import stored_event, stored_finding, stored_health

call_command("migrate", verbosity=0)
User.objects.create_superuser("ada", password="secret")
client = Client()
assert client.login(username="ada", password="secret")
kept, *deleted = stored_finding(), stored_finding(), stored_finding()
event = stored_event(kept)
listed = "/admin/loopwatch/finding/"
for url, sent in {
    listed: {"action": "resolve", "_selected_action": [kept.pk]},
    f"{listed}?q=sleep": {"action": "delete_selected", "_selected_action": [deleted[0].pk], "post": "yes"},
    f"{listed}{deleted[1].pk}/delete/": {"post": "yes"},
    f"{listed}{kept.pk}/status/": {"status": "ignored"},
    f"/admin/loopwatch/blockingevent/{event.pk}/delete/": {"post": "yes"},
    f"/admin/loopwatch/processhealth/{stored_health().pk}/delete/": {"post": "yes"},
}.items():
    answer = client.post(url, sent)
    assert answer.status_code == 302, (url, answer.content)
assert client.get(listed).status_code == client.get(f"{listed}{kept.pk}/delete/").status_code == 200
assert list(Finding.objects.values_list("pk", "status")) == [(kept.pk, "ignored")]
assert not BlockingEvent.objects.exists() and not ProcessHealth.objects.exists()
"""


def test_the_admin_writes_to_the_primary_if_the_router_reads_from_a_replica(tmp_path):
    (tmp_path / "routers.py").write_text(REPLICATED)
    (tmp_path / "replicated.py").write_text(REPLICATED_SETTINGS)
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "replicated", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    ran = run([sys.executable, "-c", CHANGES], cwd=tmp_path, env=environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("by", BY)
def test_everything_happens_in_the_database_of_the_stalls(tmp_path, by):
    (tmp_path / "routers.py").write_text(LOOPWATCH_APART)
    (tmp_path / "apart.py").write_text(f"{SETTINGS}\n{BY[by]}\n")
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "apart", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", SCRIPT]
    ran = run(command, cwd=tmp_path, env=environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with closing(sqlite3.connect(tmp_path / "default.sqlite3")) as default:
        tables = {name for (name,) in default.execute("SELECT name FROM sqlite_master")}
    assert "auth_user" in tables
    assert not [name for name in tables if name.startswith("loopwatch")]
