"""The self-test proves that a stall of a process is detected and stored, or says that it was not."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import router

from loopwatch import in_tests
from loopwatch.models import BlockingEvent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_stall, pytest.mark.loopwatch(enabled=False)]


def run():
    stdout = io.StringIO()
    with in_tests.recording():
        call_command("loopwatch_selftest", stdout=stdout)
    return stdout.getvalue()


def test_the_self_test_stores_a_stall():
    said = run()
    event = BlockingEvent.objects.get(route="loopwatch_selftest")
    assert said.startswith("It works: a stall of ")
    assert said.endswith(f"It is finding {event.finding_id} in the admin.\n")
    assert event.duration_ms >= 100


def test_the_self_test_looks_where_the_stall_is_written_for_a_replica_may_not_have_it_yet(monkeypatch):
    monkeypatch.setattr(router, "db_for_read", lambda *_args, **_hints: "replica")
    assert run().startswith("It works")


@pytest.mark.parametrize("loopwatch", [{"ENABLED": False}, {"SINKS": ["log"]}])
def test_the_self_test_fails_where_nothing_is_stored(settings, loopwatch):
    settings.LOOPWATCH = loopwatch
    with pytest.raises(CommandError, match="The stall was not stored"):
        run()
