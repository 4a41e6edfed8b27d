import pytest

from loopwatch.models import BlockingEvent, Finding
from loopwatch.recorder import event_rows
from loopwatch.recorder.deltas import Detail, slowest_and_newest
from tests.recorder.calls import blocking_call

pytestmark = pytest.mark.usefixtures("database")


def durations_ms():
    return sorted(event.duration_us // 1000 for event in BlockingEvent.objects.all())


@pytest.mark.parametrize("few", [0, 200])  # with a query for each finding, and with one for all
def test_the_slowest_and_the_newest_events_are_kept(recorder_of, monkeypatch, few):
    monkeypatch.setattr(event_rows, "_FEW_EVENTS", few)
    recorder = recorder_of(events_per_finding=10)
    for minute in range(40):  # the oldest ones are the slowest
        recorder.put(blocking_call(minute=minute, duration_ms=1000.0 - minute))
        recorder.put(blocking_call(minute=minute, duration_ms=2.0, function="views.other"))
        if minute % 10 == 9:
            assert recorder.flush(60)
    # a fifth, so two, because they are slow; eight because they are new
    assert durations_ms() == [*[2] * 10, *range(961, 969), 999, 1000]
    finding = Finding.objects.get(function="shop.views.checkout")
    assert (finding.events, finding.events_thinned) == (40, 30)
    assert finding.blocked_us == sum(1000 - minute for minute in range(40)) * 1000
    assert recorder.stats().thinned == 60


def test_a_burst_between_two_flushes_keeps_the_slowest_and_the_newest(recorder_of):
    recorder = recorder_of(started=False)
    for minute in range(500):
        recorder.put(blocking_call(minute=minute / 100, duration_ms=5_000.0 if minute == 250 else 100.0))
    recorder.start()
    assert recorder.flush(60)
    events = BlockingEvent.objects.all()
    assert events.filter(duration_us=5_000_000).count() == 1
    assert events.count() <= 50
    assert max(event.started_at for event in events) == Finding.objects.get().last_seen
    assert Finding.objects.get().events_thinned == 500 - events.count()


def test_half_of_the_kept_calls_are_the_slowest_and_half_the_newest():
    details = [Detail(blocking_call(minute=minute, duration_ms=100.0 - minute), is_new=True) for minute in range(10)]
    kept, surplus = slowest_and_newest(details, 4)
    assert [detail.call.duration_ms for detail in kept] == [100.0, 99.0, 91.0, 92.0]
    assert len(surplus) == 6


def test_a_finding_follows_its_line(recorder_of):
    recorder = recorder_of()
    for lineno in (12, 40):
        recorder.put(blocking_call(lineno=lineno))
        assert recorder.flush(60)
    assert Finding.objects.get().lineno == 40


def test_a_stall_handed_over_twice_is_one_event(recorder_of):
    recorder = recorder_of()
    call = blocking_call()
    for _ in range(2):
        recorder.put(call)
        assert recorder.flush(60)
    assert BlockingEvent.objects.count() == 1
    assert recorder.stats().errors == {}
