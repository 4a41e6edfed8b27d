import threading

import pytest
from django.db.backends.signals import connection_created

from loopwatch.conf import Configuration
from loopwatch.recorder.recorder import Recorder
from loopwatch.signals import finding_changed


@pytest.fixture
def recorder_of():
    """Makes recorders that are stopped after the test; given settings replace the defaults.

    By default they write when they are flushed, and not in between. Their threads end before the next test, whose rows
    a writer would lock.
    """
    made = []
    before = set(threading.enumerate())

    def make(*, started=True, **settings):
        recorder = Recorder(Configuration(**({"sinks": ("database",), "flush_interval_s": 600.0} | settings)))
        made.append(recorder)
        if started:
            recorder.start()
        return recorder

    yield make
    for recorder in made:
        recorder.stop(1)
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("loopwatch-"):
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture
def told():
    """Lists the changes of findings that receivers of the signal were told about."""
    changes = []

    def receive(change, **_):
        changes.append(change)

    finding_changed.connect(receive)
    yield changes
    finding_changed.disconnect(receive)


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
