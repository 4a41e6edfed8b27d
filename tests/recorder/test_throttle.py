import time
from types import SimpleNamespace

import pytest

from loopwatch.recorder import throttle
from loopwatch.recorder.database import FINDINGS_PER_TRANSACTION
from loopwatch.recorder.deltas import Detail, slowest_and_newest
from tests.recorder.calls import blocking_call


@pytest.fixture
def rests(monkeypatch):
    rested = []
    clock = SimpleNamespace(perf_counter=time.perf_counter, sleep=rested.append)
    monkeypatch.setattr(throttle, "time", clock)
    return rested


@pytest.mark.usefixtures("database")
def test_the_writer_rests_unless_a_flush_waits_for_it(recorder_of, rests):
    recorder = recorder_of(started=False)
    for number in range(30):
        recorder.put(blocking_call(function=f"views.view_{number}"))
    recorder._buffer.hurry()
    recorder._writer_thread.write_once()
    assert rests == []
    for number in range(30):
        recorder.put(blocking_call(function=f"views.view_{number}"))
    recorder._writer_thread.write_once()
    assert recorder.stats().stored == 60
    of_findings, of_routes = 30 // FINDINGS_PER_TRANSACTION, 1
    assert len(rests) == 30 + of_findings + of_routes  # after every stack and every transaction
    assert 0 < max(rests) <= throttle.LONGEST_REST_S


def test_the_slowest_of_many_is_the_one_to_keep():
    calls = [blocking_call(minute=minute, duration_ms=500.0 if minute == 2 else 100.0) for minute in range(5)]
    (kept,), surplus = slowest_and_newest([Detail(call, is_new=True) for call in calls], 1)
    assert kept.call.duration_ms == 500.0
    assert len(surplus) == 4
