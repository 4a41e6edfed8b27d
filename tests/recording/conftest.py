import threading

import pytest
from django.db.backends.signals import connection_created

from loopwatch.conf import Configuration
from loopwatch.recording.recorder import Recorder


def writers():
    return [thread for thread in threading.enumerate() if thread.name == "loopwatch-writer"]


@pytest.fixture
def recorder_of():
    """Makes recorders that are stopped after the test; given settings replace the defaults.

    A writer that went on would lock the rows of the next test.
    """
    made = []
    before = set(writers())

    def make(*, started=True, **settings):
        recorder = Recorder(Configuration(**({"sinks": ("database",), "flush_interval_s": 0.05} | settings)))
        made.append(recorder)
        if started:
            recorder.start()
        return recorder

    yield make
    for recorder in made:
        recorder.stop(1)
    for writer in set(writers()) - before:
        writer.join(60)
        assert not writer.is_alive()


@pytest.fixture
def kept_connections(database):
    """Lets the writer keep its connection from one batch to the next."""
    database.settings_dict["CONN_MAX_AGE"] = None
    yield
    database.settings_dict["CONN_MAX_AGE"] = 0


@pytest.fixture
def opened_connections():
    """Lists the connections, as Django's wrappers, that threads have opened since the test began."""
    opened = []

    def note(connection, **_):
        opened.append(connection)

    connection_created.connect(note)
    yield opened
    connection_created.disconnect(note)
