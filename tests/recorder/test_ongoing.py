from datetime import UTC, datetime

import pytest

from loopwatch.conf import Configuration
from loopwatch.detection.calls import Cause
from loopwatch.models import BlockingEvent, Finding, HourlyTotal
from loopwatch.site_subscriber import SiteSubscriber
from tests.recorder.calls import blocking_call

pytestmark = pytest.mark.usefixtures("database")


def report(recorder, duration_ms, **changes):
    recorder.put(blocking_call(stall_id="a" * 32, duration_ms=duration_ms, step_ms=duration_ms, **changes))


def test_an_ongoing_stall_is_written_at_once(recorder_of):
    recorder = recorder_of(flush_interval_s=60.0)
    report(recorder, 5_000.0, ongoing=True)
    assert recorder._buffer.wait_settled(1, 60)
    assert BlockingEvent.objects.get().ongoing


@pytest.mark.parametrize("flushed_between", [True, False])
def test_an_ongoing_stall_counts_once_with_its_last_figures(recorder_of, flushed_between):
    recorder = recorder_of(flush_interval_s=0.05 if flushed_between else 60.0, started=flushed_between)
    for duration_ms, waiting, ongoing in ((5_000.0, 1, True), (10_000.0, 4, True), (31_000.5, 4, False)):
        report(recorder, duration_ms, waiting=waiting, ongoing=ongoing)
        if flushed_between:
            assert recorder.flush(60)
    recorder.start()
    assert recorder.flush(60)
    finding, total, event = Finding.objects.get(), HourlyTotal.objects.get(), BlockingEvent.objects.get()
    for row in (finding, total):
        assert (row.events, row.blocked_us, row.longest_us) == (1, 31_000_500, 31_000_500)
        assert (row.requests_delayed, row.delay_us) == (4, 4 * 31_000_500)
    columns = {column: getattr(total, column) for column in ("under_10000ms", "under_30000ms", "over_30000ms")}
    assert columns == {"under_10000ms": 0, "under_30000ms": 0, "over_30000ms": 1}
    assert (event.ongoing, event.duration_us) == (False, 31_000_500)
    assert recorder.stats().seen == recorder.stats().stored == 1


@pytest.mark.parametrize("flushed_between", [True, False])
def test_a_later_report_that_blames_another_call_stays_with_the_finding_of_the_first(recorder_of, flushed_between):
    recorder = recorder_of(started=flushed_between)
    report(recorder, 5_000.0, ongoing=True)
    if flushed_between:
        assert recorder.flush(60)
    report(recorder, 9_000.0, method_name="json.dumps")
    recorder.start()
    assert recorder.flush(60)
    finding = Finding.objects.get()
    assert (finding.blocking_call, finding.events, finding.blocked_us) == ("time.sleep", 1, 9_000_000)


@pytest.mark.parametrize(
    "end",
    [{"cause": Cause.STARVED}, {"cause": Cause.SUSPENDED}, {"filename": "/srv/site/excluded/views.py"}],
    ids=["starved", "suspended", "excluded"],
)
def test_a_stall_judged_otherwise_at_its_end_ends_as_it_was_last_recorded(recorder_of, end):
    signalled = []
    recorder = recorder_of(on_blocking_call=signalled.append)
    watcher = SiteSubscriber(Configuration(exclude_paths=("/excluded/",)), recorder)
    started_at = datetime.now(UTC)
    for duration_ms, changes in ((5_000.0, {"ongoing": True}), (9_000.0, end)):
        watcher.receive(blocking_call(stall_id="a" * 32, started_at=started_at, duration_ms=duration_ms, **changes))
    assert recorder.flush(60)
    finding, event = Finding.objects.get(), BlockingEvent.objects.get()
    assert (finding.events, finding.blocked_us, finding.cause) == (1, 5_000_000, "waiting")
    assert (event.ongoing, event.duration_us, event.cause) == (False, 5_000_000, "waiting")
    assert [call.ongoing for call in signalled] == [True, False]


def test_a_finding_deleted_while_the_stall_goes_on_stays_deleted(recorder_of):
    recorder = recorder_of()
    report(recorder, 5_000.0, ongoing=True)
    assert recorder.flush(60)
    Finding.objects.all().delete()
    report(recorder, 9_000.0)
    assert recorder.flush(60)
    assert not Finding.objects.exists()


def test_a_stall_whose_hour_was_deleted_meanwhile_adds_what_is_new_to_the_hour_made_since(recorder_of):
    recorder = recorder_of()
    report(recorder, 5_000.0, ongoing=True)
    assert recorder.flush(60)
    HourlyTotal.objects.all().delete()
    recorder.put(blocking_call())  # makes the hour again, without the ongoing stall
    assert recorder.flush(60)
    report(recorder, 11_000.0)
    assert recorder.flush(60)
    total = HourlyTotal.objects.get()
    assert (total.under_150ms, total.under_10000ms, total.under_30000ms) == (1, 0, 1)
    assert recorder.stats().errors == {}
