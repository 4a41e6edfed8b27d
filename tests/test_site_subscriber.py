"""What the log says of a pause that no call of the loop is to blame for."""

import logging

import pytest

from loopwatch.conf import Configuration
from loopwatch.detection.calls import Cause, ReportKind
from loopwatch.recording.recorder import Recorder
from loopwatch.site_subscriber import SiteSubscriber
from tests.recording.calls import blocking_call


@pytest.fixture
def said(caplog):
    """The line for a pause that was held by a call."""

    def said(held_by):
        caplog.set_level(logging.INFO, logger="loopwatch")
        SiteSubscriber(Configuration(), Recorder(Configuration())).receive(
            blocking_call(cause=Cause.STARVED, step_ms=200.0, held_by=held_by)
        )
        return caplog.messages[-1]

    return said


def holder(**changes):
    names = {"method_name": "json.dumps", "called_name": "json.dumps", "function": "shop.jobs.export"}
    return blocking_call(kind=ReportKind.GIL_HOLDER, filename="/srv/shop/jobs.py", lineno=7, **names, **changes)


STARVED = "The event loop stood still for 200 ms, but no call is to blame: starved"
HELD = f"{STARVED}; a thread kept the GIL: json.dumps in shop.jobs.export (/srv/shop/jobs.py:7)"


@pytest.mark.parametrize(
    ("held_by", "line"),
    [
        pytest.param(None, STARVED, id="the cause alone, if the holder is unknown"),
        pytest.param(holder(), HELD, id="a holder that is certain"),
        pytest.param(holder(exact=False), f"{HELD}, likely", id="a holder that is likely"),
    ],
)
def test_the_log_names(held_by, line, said):
    assert said(held_by) == line
