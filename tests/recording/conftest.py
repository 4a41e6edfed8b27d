import pytest

from loopwatch.conf import Configuration
from loopwatch.recording.recorder import Recorder


@pytest.fixture
def recorder_of():
    """Makes recorders that are stopped after the test; the settings given replace the defaults."""
    made = []

    def make(*, started=True, **settings):
        recorder = Recorder(Configuration(**({"sinks": ("database",), "flush_interval_s": 0.05} | settings)))
        made.append(recorder)
        if started:
            recorder.start()
        return recorder

    yield make
    for recorder in made:
        recorder.stop(1)
