"""On Oracle nothing is stored, which is said once, and everything else goes on."""

import pytest
from django.db import connections

from loopwatch.models import Finding
from loopwatch.signals import blocking_call as signal
from tests.databases import on_sqlite
from tests.recorder.calls import blocking_call

pytestmark = [pytest.mark.usefixtures("database"), on_sqlite]


@pytest.fixture
def oracle(monkeypatch):
    monkeypatch.setattr(connections["default"], "vendor", "oracle")


def errors(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.usefixtures("oracle")
def test_on_oracle_stalls_are_detected_and_not_stored(recorder_of, caplog):
    received = []

    def receive(call, **_):
        received.append(call.stall_id)

    signal.connect(receive)
    try:
        recorder = recorder_of(sinks=("database", "signal"))
        recorder.put(blocking_call(stall_id="one"))
        assert recorder.flush(60)
    finally:
        signal.disconnect(receive)
    assert received == ["one"]
    assert not Finding.objects.exists()
    stats = recorder.stats()
    assert (stats.seen, stats.stored, stats.pending, stats.errors) == (1, 0, 0, {"database": 1})
    (line,) = errors(caplog)
    assert "Oracle" in line
    assert "loopwatch.E009" in line


def test_a_router_that_fails_is_asked_again_when_there_is_something_to_write(recorder_of, settings):
    class Fails:
        answers = False

        def db_for_write(self, model, **hints):
            if not self.answers:
                raise LookupError
            return "default"

    router = Fails()
    settings.DATABASE_ROUTERS = [router]
    recorder = recorder_of()
    router.answers = True
    recorder.put(blocking_call())
    assert recorder.flush(60)
    assert recorder.stats().stored == 1
