"""What becomes of a pause that no call of the loop is to blame for: a line in the log, and a finding of its holder."""

import logging
from dataclasses import replace

import pytest

from loopwatch.conf import Configuration
from loopwatch.detection.calls import Cause, KeptOut
from loopwatch.recorder.recorder import Recorder
from loopwatch.site_subscriber import SiteSubscriber
from tests.recorder.calls import blocking_call


def holder(**changes):
    names = {"method_name": "json.dumps", "called_name": "json.dumps", "function": "shop.jobs.export"}
    return blocking_call(cause=Cause.GIL_HELD, filename="/srv/shop/jobs.py", lineno=7, **names, **changes)


@pytest.fixture
def logged(caplog):
    """The threads that have logged something, after the reports of a site that only logs."""

    def logged(*calls, **settings):
        caplog.set_level(logging.INFO, logger="loopwatch")
        configuration = Configuration(sinks=("log",), **settings)
        recorder = Recorder(configuration)
        receiver = SiteSubscriber(configuration, recorder)
        recorder.start()
        try:
            for call in calls:
                receiver.receive(call)
            assert recorder.flush(60)
        finally:
            recorder.stop(60)
        return [record.threadName for record in caplog.records]

    return logged


def test_a_pause_is_logged_by_the_thread_of_the_log_because_a_log_may_be_slow(logged):
    assert logged(blocking_call(cause=Cause.STARVED)) == ["loopwatch-log"]


def test_a_pause_is_logged_although_redact_withholds_everything(logged):
    assert logged(blocking_call(cause=Cause.STARVED), redact=lambda _: None) == ["loopwatch-log"]


def test_a_pause_that_was_logged_as_a_finding_is_not_logged_again(logged):
    ongoing = blocking_call(ongoing=True)
    assert logged(ongoing, replace(ongoing, ongoing=False, cause=Cause.STARVED)) == ["loopwatch-log"]


@pytest.fixture
def recorded():
    """What the recorder is given, and the loop's times, after a pause."""

    def recorded(*, exclude_paths=(), **changes):
        recorder, calls = Recorder(Configuration()), []
        recorder.put = calls.append
        receiver = SiteSubscriber(Configuration(exclude_paths=exclude_paths), recorder)
        receiver.receive(blocking_call(cause=Cause.STARVED, step_ms=200.0, **changes))
        return calls, next(iter(recorder.loop_times.take().values()))

    return recorded


def test_a_holder_is_recorded_in_place_of_the_pause(recorded):
    calls, times = recorded(held_by=holder(step_ms=200.0), kept_out=KeptOut(3, 40.0))
    (call,) = calls
    assert (call.method_name, call.cause, call.kept_out.count) == ("json.dumps", Cause.GIL_HELD, 3)
    assert (times.machine_us, times.impact.longest_us) == (0, 200_000)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"held_by": None}, id="whose holder is unknown"),
        pytest.param({"held_by": holder(step_ms=200.0), "exclude_paths": ("/shop/",)}, id="whose holder is excluded"),
    ],
)
def test_nothing_is_recorded_of_a_pause(changes, recorded):
    calls, times = recorded(**changes)
    assert (calls, times.machine_us) == ([], 200_000)


def test_the_holder_of_a_pause_that_goes_on_is_not_recorded_yet(recorded):
    assert recorded(held_by=holder(), ongoing=True)[0] == []
